#include "xmpp/delay.h"

#include "xmpp/datetime.h"
#include "xmpp/namespaces.h"

namespace rondel::xmpp {

xml::Element& append_delay(xml::Arena& arena,
                           xml::Element& stanza,
                           JidView from,
                           std::int64_t unix_ms,
                           std::string_view reason) {
  xml::Element& delay = stanza.append(arena, "delay", ns::kDelay);
  delay.set_attribute(arena, "from", from.full());
  delay.set_attribute(arena, "stamp", format_datetime(unix_ms));
  if (!reason.empty()) {
    delay.append_text(arena, reason);
  }
  return delay;
}

std::size_t remove_delays_from(xml::Element& stanza, JidView from) {
  std::size_t removed = 0;
  for (xml::Element* child = stanza.first_element(); child != nullptr;) {
    xml::Element* const next = child->next_element();
    if (child->is("delay", ns::kDelay)) {
      const auto claimed = Jid::parse(child->attribute_or("from", ""));
      if (claimed && *claimed == from) {
        stanza.remove(*child);
        ++removed;
      }
    }
    child = next;
  }
  return removed;
}

}  // namespace rondel::xmpp
