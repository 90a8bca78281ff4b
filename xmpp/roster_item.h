// Subscription states and every transition between them, as pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace rondel::xmpp {

/// Who sees whose presence: the user the contact's (to), the contact the user's (from).
/// Source: RFC 6121 §2.1.2.5.
enum class Subscription : std::uint8_t { none, to, from, both };
[[nodiscard]] std::string_view to_text(Subscription subscription);
[[nodiscard]] std::optional<Subscription> parse_subscription(std::string_view text);

/// The state between a user and a contact, seen from the user's side. The nine states of RFC 6121
/// §A.1 are its normal values (is_normal); `is_approved` stands beside them (§3.4).
struct SubscriptionState {
  Subscription subscription = Subscription::none;
  bool is_pending_out = false;  ///< ask='subscribe' in the roster.
  bool is_pending_in = false;   ///< A request of the contact waits for the user.
  bool is_approved = false;     ///< approved='true': the next request is granted unasked.

  /// True if the user's presence goes to the contact.
  [[nodiscard]] constexpr bool has_from() const {
    return subscription == Subscription::from || subscription == Subscription::both;
  }
  /// True if the contact's presence comes to the user.
  [[nodiscard]] constexpr bool has_to() const {
    return subscription == Subscription::to || subscription == Subscription::both;
  }
  /// False for what cannot be: asking for what one has, or being asked for what one gives.
  [[nodiscard]] constexpr bool is_normal() const {
    return !(is_pending_out && has_to()) && !(is_pending_in && has_from());
  }
  /// True if a roster get or push shows an item for it: pending-in alone does not (RFC 6121
  /// §3.1.3).
  [[nodiscard]] constexpr bool is_in_roster() const {
    return subscription != Subscription::none || is_pending_out || is_approved;
  }
  friend constexpr bool operator==(SubscriptionState, SubscriptionState) = default;
};

/// What an outbound subscription stanza of the user does. Source: RFC 6121 §A.2, §3.
struct OutboundTransition {
  SubscriptionState state;               ///< The new one.
  bool should_route = false;             ///< To the contact, from the bare JID.
  bool should_store = false;             ///< The state changed, in the roster or beside it.
  bool should_push = false;              ///< What the roster item shows changed: push it.
  bool should_send_presence = false;     ///< Available presence of every resource to the contact.
  bool should_send_unavailable = false;  ///< Unavailable presence of every resource to the contact.
};
[[nodiscard]] OutboundTransition outbound_subscribe(SubscriptionState state);
[[nodiscard]] OutboundTransition outbound_unsubscribe(SubscriptionState state);
[[nodiscard]] OutboundTransition outbound_subscribed(SubscriptionState state);
[[nodiscard]] OutboundTransition outbound_unsubscribed(SubscriptionState state);

/// What an inbound subscription stanza of the contact does. Source: RFC 6121 §A.3, §3.
struct InboundTransition {
  SubscriptionState state;      ///< The new one.
  bool should_deliver = false;  ///< To the user's resources (subscribe: available ones, and
                                ///< kept for later; else: interested ones).
  bool should_push = false;     ///< What the roster item shows changed: push it.
  bool should_store = false;    ///< The state changed, in the roster or beside it.
  bool should_reply_subscribed = false;  ///< Answer for the user: already granted or pre-approved.
  bool should_send_presence = false;     ///< Available presence of every resource to the contact.
  bool should_send_unavailable = false;  ///< Unavailable presence of every resource to the contact.
};
[[nodiscard]] InboundTransition inbound_subscribe(SubscriptionState state);
[[nodiscard]] InboundTransition inbound_unsubscribe(SubscriptionState state);
[[nodiscard]] InboundTransition inbound_subscribed(SubscriptionState state);
[[nodiscard]] InboundTransition inbound_unsubscribed(SubscriptionState state);

}  // namespace rondel::xmpp
