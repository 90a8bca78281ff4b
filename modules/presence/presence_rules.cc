#include "modules/presence/presence_rules.h"

#include <charconv>
#include <utility>

#include "base/check.h"
#include "xml/writer.h"

namespace rondel::modules::presence {
namespace {

using xmpp::PresenceType;

std::string_view without_space(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

base::Unexpected<std::string_view> bad(std::string_view text) {
  return base::Unexpected<std::string_view>(text);
}

}  // namespace

std::optional<int> parse_priority(std::string_view text) {
  text = without_space(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') {
    text.remove_prefix(1);
  }
  int priority = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), priority);
  if (error != std::errc() || end != text.data() + text.size() || priority < -128 ||
      priority > 127) {
    return std::nullopt;
  }
  return priority;
}

base::Result<int, std::string_view> check_available(const xml::Element& presence) {
  const xml::Element* show = nullptr;
  const xml::Element* priority = nullptr;
  for (const xml::Element& child : presence.children()) {
    if (child.is("show", presence.ns())) {
      if (show != nullptr) {
        return bad("more than one show");
      }
      show = &child;
    } else if (child.is("priority", presence.ns())) {
      if (priority != nullptr) {
        return bad("more than one priority");
      }
      priority = &child;
    }
  }
  if (show != nullptr) {
    const std::string text = show->text();
    // An empty one says nothing: go-xmpp sends it with every first presence, and ejabberd and
    // Prosody let it pass.
    if (!text.empty() && text != "away" && text != "chat" && text != "dnd" && text != "xa") {
      return bad("show is one of away, chat, dnd, xa");
    }
  }
  if (priority == nullptr) {
    return 0;
  }
  const std::optional<int> number = parse_priority(priority->text());
  if (!number) {
    return bad("priority is a whole number from -128 to 127");
  }
  return *number;
}

xmpp::SubscriptionState state_of(const store::RosterItem* item) {
  if (item == nullptr) {
    return {};
  }
  xmpp::SubscriptionState state;
  state.subscription = item->subscription;
  state.is_pending_out = item->is_asked;
  state.is_pending_in = !item->pending_in.empty();
  state.is_approved = item->is_approved;
  return state;
}

store::RosterChange change_to(const store::RosterItem* item,
                              std::string_view contact,
                              xmpp::SubscriptionState state,
                              std::string request) {
  const bool was_listed = item != nullptr && item->is_listed;
  store::RosterItem changed = item != nullptr ? *item : store::RosterItem(std::string(contact));
  changed.subscription = state.subscription;
  changed.is_asked = state.is_pending_out;
  changed.is_approved = state.is_approved;
  changed.is_listed = was_listed || state.is_in_roster();
  if (!state.is_pending_in) {
    changed.pending_in.clear();
  } else if (changed.pending_in.empty()) {
    changed.pending_in = std::move(request);
  }
  if (!changed.is_listed && changed.pending_in.empty()) {
    return store::RosterChange::remove(std::move(changed.jid));
  }
  return store::RosterChange::put(std::move(changed));
}

xmpp::OutboundTransition outbound_transition(PresenceType type, xmpp::SubscriptionState state) {
  switch (type) {
    case PresenceType::subscribe:
      return xmpp::outbound_subscribe(state);
    case PresenceType::subscribed:
      return xmpp::outbound_subscribed(state);
    case PresenceType::unsubscribe:
      return xmpp::outbound_unsubscribe(state);
    case PresenceType::unsubscribed:
      return xmpp::outbound_unsubscribed(state);
    default:
      RONDEL_CHECK(false);
  }
}

xmpp::InboundTransition inbound_transition(PresenceType type, xmpp::SubscriptionState state) {
  switch (type) {
    case PresenceType::subscribe:
      return xmpp::inbound_subscribe(state);
    case PresenceType::subscribed:
      return xmpp::inbound_subscribed(state);
    case PresenceType::unsubscribe:
      return xmpp::inbound_unsubscribe(state);
    case PresenceType::unsubscribed:
      return xmpp::inbound_unsubscribed(state);
    default:
      RONDEL_CHECK(false);
  }
}

std::string kept_request(const xmpp::Stanza& request) {
  std::string text = xml::to_text(request.root());
  if (text.size() <= kRequestBytesMax) {
    return text;
  }
  const xml::Document bare =
      xmpp::make_presence(PresenceType::subscribe, request.from(), request.to());
  return xml::to_text(bare.root());
}

}  // namespace rondel::modules::presence
