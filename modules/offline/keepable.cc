#include "modules/offline/keepable.h"

#include "xmpp/namespaces.h"

namespace rondel::modules::offline {
namespace {

namespace ns = xmpp::ns;

/// What says nothing without something beside it.
bool is_accompaniment(const xml::Element& element) {
  return element.ns() == ns::kChatStates || element.ns() == ns::kHints ||
         element.ns() == ns::kStanzaIds || element.is("delay", ns::kDelay) ||
         element.name() == "thread";
}

bool has_content(const xml::Element& message) {
  for (const xml::Element& child : message.children()) {
    if (!is_accompaniment(child)) {
      return true;
    }
  }
  return false;
}

}  // namespace

Keep may_keep(const xmpp::Stanza& message) {
  const xmpp::MessageType type = message.message_type();
  if (type == xmpp::MessageType::error || type == xmpp::MessageType::headline) {
    return Keep::silent;
  }
  if (type == xmpp::MessageType::groupchat) {
    return Keep::no;
  }
  const xml::Element& root = message.root();
  if (root.child("no-store", ns::kHints) != nullptr) {
    return root.child("body") != nullptr ? Keep::no : Keep::silent;
  }
  if (root.child("store", ns::kHints) != nullptr || has_content(root)) {
    return Keep::yes;
  }
  return Keep::silent;
}

}  // namespace rondel::modules::offline
