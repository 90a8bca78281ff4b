#include "modules/stanza-ids/strip.h"

#include "xmpp/namespaces.h"

namespace rondel::modules::stanza_ids {
namespace {

/// The element after `at` and all that is in it, below `top`; null at the end.
template <class E>
E* next_outside(E* at, const xml::Element* top) {
  while (at != top) {
    if (E* next = at->next_element()) {
      return next;
    }
    at = at->parent();
  }
  return nullptr;
}

/// Few elements are of that namespace, and of them nearly all are the `<origin-id/>` of a client.
bool is_stanza_id(const xml::Element& element) {
  return element.ns() == xmpp::ns::kStanzaIds && element.name() == "stanza-id";
}

template <class E>
E* next_in_document(E* at, const xml::Element* top) {
  E* child = at->first_element();
  return child != nullptr ? child : next_outside(at, top);
}

}  // namespace

bool has_stanza_ids(const xml::Element& stanza) {
  for (const xml::Element* at = stanza.first_element(); at != nullptr;
       at = next_in_document(at, &stanza)) {
    if (is_stanza_id(*at)) {
      return true;
    }
  }
  return false;
}

std::size_t strip_stanza_ids(xml::Element& stanza,
                             base::UniqueFunction<bool(xmpp::JidView by)> is_forged) {
  std::size_t count = 0;
  xml::Element* at = stanza.first_element();
  while (at != nullptr) {
    if (is_stanza_id(*at)) {
      const auto by = xmpp::Jid::parse(at->attribute_or("by", ""));
      if (!by || is_forged(*by)) {
        xml::Element* next = next_outside(at, &stanza);
        at->parent()->remove(*at);
        at = next;
        ++count;
        continue;
      }
    }
    at = next_in_document(at, &stanza);
  }
  return count;
}

}  // namespace rondel::modules::stanza_ids
