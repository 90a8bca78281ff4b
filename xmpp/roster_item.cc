#include "xmpp/roster_item.h"

#include "base/check.h"

namespace rondel::xmpp {
namespace {

Subscription subscription_of(bool has_to, bool has_from) {
  if (has_to) {
    return has_from ? Subscription::both : Subscription::to;
  }
  return has_from ? Subscription::from : Subscription::none;
}

SubscriptionState with_to(SubscriptionState state, bool has_to) {
  state.subscription = subscription_of(has_to, state.has_from());
  return state;
}

SubscriptionState with_from(SubscriptionState state, bool has_from) {
  state.subscription = subscription_of(state.has_to(), has_from);
  return state;
}

/// True if what a roster item shows differs; a pending request of the contact isn't shown.
bool differs_in_roster(SubscriptionState a, SubscriptionState b) {
  a.is_pending_in = b.is_pending_in;
  return a != b;
}

OutboundTransition outbound(SubscriptionState before, SubscriptionState after) {
  OutboundTransition transition;
  transition.state = after;
  transition.should_store = before != after;
  transition.should_push = differs_in_roster(before, after);
  return transition;
}

InboundTransition inbound(SubscriptionState before, SubscriptionState after) {
  InboundTransition transition;
  transition.state = after;
  transition.should_store = before != after;
  transition.should_push = differs_in_roster(before, after);
  return transition;
}

}  // namespace

std::string_view to_text(Subscription subscription) {
  switch (subscription) {
    case Subscription::none:
      return "none";
    case Subscription::to:
      return "to";
    case Subscription::from:
      return "from";
    case Subscription::both:
      return "both";
  }
  RONDEL_CHECK(false);
}

std::optional<Subscription> parse_subscription(std::string_view text) {
  for (const auto subscription :
       {Subscription::none, Subscription::to, Subscription::from, Subscription::both}) {
    if (text == to_text(subscription)) {
      return subscription;
    }
  }
  return std::nullopt;
}

OutboundTransition outbound_subscribe(SubscriptionState before) {
  SubscriptionState after = before;
  after.is_pending_out = !before.has_to();
  OutboundTransition transition = outbound(before, after);
  // Routed in every state: the contact's server may have lost what ours remembers (§A.2.1).
  transition.should_route = true;
  return transition;
}

OutboundTransition outbound_unsubscribe(SubscriptionState before) {
  SubscriptionState after = with_to(before, false);
  after.is_pending_out = false;
  OutboundTransition transition = outbound(before, after);
  transition.should_route = true;
  return transition;
}

OutboundTransition outbound_subscribed(SubscriptionState before) {
  SubscriptionState after = before;
  if (before.is_pending_in) {
    after = with_from(before, true);
    after.is_pending_in = false;
  } else if (!before.has_from()) {
    after.is_approved = true;  // pre-approval (§3.4.2): nothing is sent
  }
  OutboundTransition transition = outbound(before, after);
  transition.should_route = before.is_pending_in;
  transition.should_send_presence = before.is_pending_in;
  return transition;
}

OutboundTransition outbound_unsubscribed(SubscriptionState before) {
  SubscriptionState after = with_from(before, false);
  after.is_pending_in = false;
  after.is_approved = false;
  OutboundTransition transition = outbound(before, after);
  transition.should_route = before.has_from() || before.is_pending_in;
  transition.should_send_unavailable = before.has_from();
  return transition;
}

InboundTransition inbound_subscribe(SubscriptionState before) {
  SubscriptionState after = before;
  if (before.has_from()) {
    InboundTransition transition = inbound(before, after);
    transition.should_reply_subscribed = true;
    return transition;
  }
  if (before.is_approved) {
    after = with_from(before, true);
    after.is_pending_in = false;
    InboundTransition transition = inbound(before, after);
    transition.should_reply_subscribed = true;
    transition.should_send_presence = true;
    return transition;
  }
  after.is_pending_in = true;
  InboundTransition transition = inbound(before, after);
  transition.should_deliver = !before.is_pending_in;
  return transition;
}

InboundTransition inbound_unsubscribe(SubscriptionState before) {
  SubscriptionState after = with_from(before, false);
  after.is_pending_in = false;
  InboundTransition transition = inbound(before, after);
  transition.should_deliver = transition.should_store;
  transition.should_send_unavailable = before.has_from();
  return transition;
}

InboundTransition inbound_subscribed(SubscriptionState before) {
  if (!before.is_pending_out) {
    return inbound(before, before);  // nobody asked: ignored, or a contact could enter itself
  }
  SubscriptionState after = with_to(before, true);
  after.is_pending_out = false;
  InboundTransition transition = inbound(before, after);
  transition.should_deliver = true;
  return transition;
}

InboundTransition inbound_unsubscribed(SubscriptionState before) {
  SubscriptionState after = with_to(before, false);
  after.is_pending_out = false;
  InboundTransition transition = inbound(before, after);
  transition.should_deliver = transition.should_store;
  return transition;
}

}  // namespace rondel::xmpp
