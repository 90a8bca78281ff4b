// The four stanzas of a subscription, on their way out and in (RFC 6121 §3, appendix A).
#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "modules/presence/presence_module.h"
#include "modules/presence/presence_rules.h"

namespace rondel::modules::presence {
namespace {

using api::Outcome;
using xmpp::PresenceType;
using xmpp::StanzaErrorCondition;

bool has_room_for_contact(const store::Roster& roster) {
  return std::ranges::count_if(roster.items, [](const auto& item) { return item.is_listed; }) <
         base::kRosterItemsMax;
}

bool has_room_for_request(const store::Roster& roster) {
  return static_cast<std::size_t>(std::ranges::count_if(roster.items, [](const auto& item) {
           return !item.pending_in.empty();
         })) < kRequestsMax;
}

}  // namespace

/// Stored first, then pushed, then sent: what a client has seen or a contact was told is never
/// lost. Unavailable presence goes before `unsubscribed`, while the contact has the subscription
/// (§3.2.2).
base::Task<> PresenceShard::send_subscription(xmpp::Stanza& stanza) {
  if (stanza.to().is_empty()) {
    shard_.bounce(stanza, StanzaErrorCondition::bad_request, "a subscription needs a 'to'");
    co_return;
  }
  api::User* user = shard_.find_user(stanza.from().bare());
  if (user == nullptr || stanza.to().has_bare_of(user->jid())) {
    co_return;  // Everybody sees their own presence anyway.
  }
  const xmpp::Jid contact(stanza.to().bare_view());
  auto turn = co_await roster_->begin_turn(*user);
  if (!turn) {
    shard_.bounce(stanza, StanzaErrorCondition::resource_constraint, "storage is not available");
    co_return;
  }
  if (roster_->is_by_group(*user, contact.full())) {
    // Both see each other already, and only who keeps the group can change that.
    const PresenceType type = stanza.presence_type();
    if (type == PresenceType::unsubscribe || type == PresenceType::unsubscribed) {
      shard_.bounce(stanza, StanzaErrorCondition::not_allowed,
                    "the contact is in one of your groups, which others keep");
    }
    co_return;
  }
  const store::RosterItem* item = api::find_item(turn->roster(), contact.full());
  const bool was_listed = item != nullptr && item->is_listed;
  const xmpp::OutboundTransition transition =
      outbound_transition(stanza.presence_type(), state_of(item));
  if (transition.should_store) {
    std::vector<store::RosterChange> changes;
    changes.push_back(change_to(item, contact.full(), transition.state, {}));
    if (!was_listed && changes.front().item.is_listed && !has_room_for_contact(turn->roster())) {
      shard_.bounce(stanza, StanzaErrorCondition::resource_constraint, "the roster is full");
      co_return;
    }
    const auto stored = co_await turn->change(std::move(changes));
    if (!stored) {
      shard_.bounce(stanza, StanzaErrorCondition::resource_constraint, "storage is not available");
      co_return;
    }
  }
  if (transition.should_send_unavailable) {
    send_unavailable(*user, contact);
  }
  if (transition.should_route) {
    xml::Document routed = stanza.document().clone();
    routed.root().set_attribute(routed.arena(), "from", user->jid().full());
    routed.root().set_attribute(routed.arena(), "to", contact.full());
    shard_.route(std::move(routed));
  }
  if (transition.should_send_presence) {
    send_available(*user, contact.full());
  }
}

/// Stored first, then delivered, then pushed: the stanza tells a client why its roster changes, and
/// has to be there before that (§3.1.6, §3.2.3, §3.3.3).
base::Task<Outcome> PresenceShard::receive_subscription(api::User& user, xmpp::Stanza& stanza) {
  if (stanza.from().is_empty() || stanza.from().has_bare_of(user.jid())) {
    co_return Outcome::dropped;
  }
  const PresenceType type = stanza.presence_type();
  auto turn = co_await roster_->begin_turn(user);
  if (!turn) {
    shard_.bounce(stanza, StanzaErrorCondition::resource_constraint, "storage is not available");
    co_return Outcome::bounced;
  }
  const xmpp::Jid contact(stanza.from().bare_view());
  stanza.set_from(contact);
  stanza.set_to(user.jid());
  const bool is_by_group = roster_->is_by_group(user, contact.full());
  if (is_by_group && type == PresenceType::subscribe) {
    shard_.route(xmpp::make_presence(PresenceType::subscribed, user.jid(), contact));
    co_return Outcome::handled;
  }
  const store::RosterItem* item = api::find_item(turn->roster(), contact.full());
  const xmpp::SubscriptionState before = state_of(item);
  xmpp::InboundTransition transition = inbound_transition(type, before);
  if (is_by_group) {
    // The user's own roster takes note of it; what is to be seen stays as the group says.
    transition.should_deliver = transition.should_send_presence = false;
    transition.should_send_unavailable = transition.should_reply_subscribed = false;
  }
  Outcome outcome = transition.should_store ? Outcome::stored : Outcome::dropped;
  base::UniqueFunction<void()> deliver;
  if (transition.should_deliver) {
    deliver = [this, &user, &stanza, &outcome, type] {
      if (deliver_subscription(user, stanza, type != PresenceType::subscribe) ==
          Outcome::delivered) {
        outcome = Outcome::delivered;
      }
    };
  }
  if (transition.should_store) {
    const bool is_new_request = transition.state.is_pending_in && !before.is_pending_in;
    if (is_new_request && !has_room_for_request(turn->roster())) {
      co_return Outcome::dropped;
    }
    std::vector<store::RosterChange> changes;
    std::string request = is_new_request ? kept_request(stanza) : std::string();
    changes.push_back(change_to(item, contact.full(), transition.state, std::move(request)));
    const auto stored = co_await turn->change(std::move(changes), std::move(deliver));
    if (!stored) {
      shard_.bounce(stanza, StanzaErrorCondition::resource_constraint, "storage is not available");
      co_return Outcome::bounced;
    }
  } else if (deliver) {
    deliver();
  }
  if (transition.should_reply_subscribed) {
    shard_.route(xmpp::make_presence(PresenceType::subscribed, user.jid(), contact));
    outcome = Outcome::handled;
  }
  if (transition.should_send_presence) {
    send_available(user, contact.full());
  }
  if (transition.should_send_unavailable) {
    send_unavailable(user, contact);
  }
  co_return outcome;
}

/// A request goes to available resources (§3.1.3), what became of one to interested ones (§3.1.6,
/// §3.2.3, §3.3.3).
Outcome PresenceShard::deliver_subscription(const api::User& user,
                                            const xmpp::Stanza& stanza,
                                            bool is_for_interested) {
  Outcome outcome = Outcome::dropped;
  for (const auto& session : user.sessions()) {
    const bool is_meant =
        is_for_interested ? roster_->is_interested(*session) : session->is_available();
    if (is_meant && shard_.deliver(*session, stanza.root())) {
      outcome = Outcome::delivered;
    }
  }
  return outcome;
}

void PresenceShard::send_available(const api::User& user, std::string_view contact) {
  for (const auto& session : user.sessions()) {
    if (session->is_available()) {
      send_copy(session->presence(), contact);
    }
  }
}

void PresenceShard::send_unavailable(const api::User& user, xmpp::JidView contact) {
  for (const auto& session : user.sessions()) {
    if (session->is_available()) {
      shard_.route(xmpp::make_presence(PresenceType::unavailable, session->jid(), contact));
      // §4.6.1: the end of the subscription is that of directed presence too. The contact must not
      // learn by a second farewell how long the resource was there.
      if (PresenceSession* state = session->state(slot_);
          state != nullptr && !state->directed().all().empty()) {
        state->directed_unavailable(contact.bare_view(), false);
      }
    }
  }
}

}  // namespace rondel::modules::presence
