#include "xmpp/roster_item.h"

#include <array>
#include <gtest/gtest.h>
#include <string_view>
#include <vector>

namespace rondel::xmpp {
namespace {

// The nine states of RFC 6121 §A.1, in its order.
constexpr SubscriptionState kNone{};
constexpr SubscriptionState kNoneOut{Subscription::none, true, false, false};
constexpr SubscriptionState kNoneIn{Subscription::none, false, true, false};
constexpr SubscriptionState kNoneOutIn{Subscription::none, true, true, false};
constexpr SubscriptionState kTo{Subscription::to, false, false, false};
constexpr SubscriptionState kToIn{Subscription::to, false, true, false};
constexpr SubscriptionState kFrom{Subscription::from, false, false, false};
constexpr SubscriptionState kFromOut{Subscription::from, true, false, false};
constexpr SubscriptionState kBoth{Subscription::both, false, false, false};
constexpr std::array<SubscriptionState, 9> kStates{kNone, kNoneOut, kNoneIn,  kNoneOutIn, kTo,
                                                   kToIn, kFrom,    kFromOut, kBoth};

std::string describe(SubscriptionState state) {
  std::string text(to_text(state.subscription));
  text += state.is_pending_out ? "+out" : "";
  text += state.is_pending_in ? "+in" : "";
  text += state.is_approved ? "+approved" : "";
  return text;
}

SubscriptionState approved(SubscriptionState state) {
  state.is_approved = true;
  return state;
}

/// A row of §A.2: what follows from a state, and whether the stanza is routed.
struct OutboundRow {
  SubscriptionState before;
  bool is_routed;
  SubscriptionState after;
};
/// A row of §A.3: what follows from a state, and whether the stanza is delivered.
struct InboundRow {
  SubscriptionState before;
  bool is_delivered;
  SubscriptionState after;
};

template <class Row>
void expect_all_states_in(const std::array<Row, 9>& table) {
  for (std::size_t i = 0; i < kStates.size(); ++i) {
    EXPECT_EQ(table[i].before, kStates[i]) << "row " << i;
  }
}

bool shows_alike(SubscriptionState a, SubscriptionState b) {
  return a.subscription == b.subscription && a.is_pending_out == b.is_pending_out &&
         a.is_approved == b.is_approved;
}

void expect_outbound(OutboundTransition (*step)(SubscriptionState),
                     const std::array<OutboundRow, 9>& table) {
  expect_all_states_in(table);
  for (const OutboundRow& row : table) {
    SCOPED_TRACE(describe(row.before));
    const OutboundTransition transition = step(row.before);
    EXPECT_EQ(describe(transition.state), describe(row.after));
    EXPECT_EQ(transition.should_route, row.is_routed);
    EXPECT_EQ(transition.should_store, row.before != row.after);
    EXPECT_EQ(transition.should_push, !shows_alike(row.before, row.after));
  }
}

void expect_inbound(InboundTransition (*step)(SubscriptionState),
                    const std::array<InboundRow, 9>& table) {
  expect_all_states_in(table);
  for (const InboundRow& row : table) {
    SCOPED_TRACE(describe(row.before));
    const InboundTransition transition = step(row.before);
    EXPECT_EQ(describe(transition.state), describe(row.after));
    EXPECT_EQ(transition.should_deliver, row.is_delivered);
    EXPECT_EQ(transition.should_store, row.before != row.after);
    EXPECT_EQ(transition.should_push, !shows_alike(row.before, row.after));
  }
}

TEST(OutboundSubscribe, FollowsTableA21) {
  expect_outbound(outbound_subscribe, {{
                                          {kNone, true, kNoneOut},
                                          {kNoneOut, true, kNoneOut},
                                          {kNoneIn, true, kNoneOutIn},
                                          {kNoneOutIn, true, kNoneOutIn},
                                          {kTo, true, kTo},
                                          {kToIn, true, kToIn},
                                          {kFrom, true, kFromOut},
                                          {kFromOut, true, kFromOut},
                                          {kBoth, true, kBoth},
                                      }});
}

TEST(OutboundUnsubscribe, FollowsTableA22) {
  expect_outbound(outbound_unsubscribe, {{
                                            {kNone, true, kNone},
                                            {kNoneOut, true, kNone},
                                            {kNoneIn, true, kNoneIn},
                                            {kNoneOutIn, true, kNoneIn},
                                            {kTo, true, kNone},
                                            {kToIn, true, kNoneIn},
                                            {kFrom, true, kFrom},
                                            {kFromOut, true, kFrom},
                                            {kBoth, true, kFrom},
                                        }});
}

TEST(OutboundSubscribed, FollowsTableA23WithPreApprovalInPlaceOfNothing) {
  expect_outbound(outbound_subscribed, {{
                                           {kNone, false, approved(kNone)},
                                           {kNoneOut, false, approved(kNoneOut)},
                                           {kNoneIn, true, kFrom},
                                           {kNoneOutIn, true, kFromOut},
                                           {kTo, false, approved(kTo)},
                                           {kToIn, true, kBoth},
                                           {kFrom, false, kFrom},
                                           {kFromOut, false, kFromOut},
                                           {kBoth, false, kBoth},
                                       }});
}

TEST(OutboundUnsubscribed, FollowsTableA24) {
  expect_outbound(outbound_unsubscribed, {{
                                             {kNone, false, kNone},
                                             {kNoneOut, false, kNoneOut},
                                             {kNoneIn, true, kNone},
                                             {kNoneOutIn, true, kNoneOut},
                                             {kTo, false, kTo},
                                             {kToIn, true, kTo},
                                             {kFrom, true, kNone},
                                             {kFromOut, true, kNoneOut},
                                             {kBoth, true, kTo},
                                         }});
}

TEST(InboundSubscribe, FollowsTableA31) {
  expect_inbound(inbound_subscribe, {{
                                        {kNone, true, kNoneIn},
                                        {kNoneOut, true, kNoneOutIn},
                                        {kNoneIn, false, kNoneIn},
                                        {kNoneOutIn, false, kNoneOutIn},
                                        {kTo, true, kToIn},
                                        {kToIn, false, kToIn},
                                        {kFrom, false, kFrom},
                                        {kFromOut, false, kFromOut},
                                        {kBoth, false, kBoth},
                                    }});
}

TEST(InboundUnsubscribe, FollowsTableA32) {
  expect_inbound(inbound_unsubscribe, {{
                                          {kNone, false, kNone},
                                          {kNoneOut, false, kNoneOut},
                                          {kNoneIn, true, kNone},
                                          {kNoneOutIn, true, kNoneOut},
                                          {kTo, false, kTo},
                                          {kToIn, true, kTo},
                                          {kFrom, true, kNone},
                                          {kFromOut, true, kNoneOut},
                                          {kBoth, true, kTo},
                                      }});
}

TEST(InboundSubscribed, FollowsTableA33) {
  expect_inbound(inbound_subscribed, {{
                                         {kNone, false, kNone},
                                         {kNoneOut, true, kTo},
                                         {kNoneIn, false, kNoneIn},
                                         {kNoneOutIn, true, kToIn},
                                         {kTo, false, kTo},
                                         {kToIn, false, kToIn},
                                         {kFrom, false, kFrom},
                                         {kFromOut, true, kBoth},
                                         {kBoth, false, kBoth},
                                     }});
}

TEST(InboundUnsubscribed, FollowsTableA34) {
  expect_inbound(inbound_unsubscribed, {{
                                           {kNone, false, kNone},
                                           {kNoneOut, true, kNone},
                                           {kNoneIn, false, kNoneIn},
                                           {kNoneOutIn, true, kNoneIn},
                                           {kTo, true, kNone},
                                           {kToIn, true, kNoneIn},
                                           {kFrom, false, kFrom},
                                           {kFromOut, true, kFrom},
                                           {kBoth, true, kFrom},
                                       }});
}

TEST(InboundSubscribe, IsAnsweredForTheUserWhereItIsGrantedAlready) {
  for (const SubscriptionState state : kStates) {
    SCOPED_TRACE(describe(state));
    EXPECT_EQ(inbound_subscribe(state).should_reply_subscribed, state.has_from());
    EXPECT_FALSE(inbound_subscribe(state).should_send_presence);
  }
}

TEST(PreApproval, GrantsTheNextRequestWithoutAsking) {
  struct Row {
    SubscriptionState before;
    SubscriptionState after;
  };
  for (const Row& row : {Row{kNone, kFrom}, Row{kNoneOut, kFromOut}, Row{kTo, kBoth}}) {
    SCOPED_TRACE(describe(row.before));
    const InboundTransition transition = inbound_subscribe(approved(row.before));
    EXPECT_EQ(describe(transition.state), describe(approved(row.after)));
    EXPECT_TRUE(transition.should_reply_subscribed);
    EXPECT_TRUE(transition.should_send_presence);
    EXPECT_TRUE(transition.should_push);
    EXPECT_TRUE(transition.should_store);
    EXPECT_FALSE(transition.should_deliver);
  }
}

TEST(PreApproval, IsShownInTheRosterAndPushed) {
  const OutboundTransition transition = outbound_subscribed(kNone);
  EXPECT_TRUE(transition.should_push);
  EXPECT_TRUE(transition.state.is_in_roster());
  EXPECT_FALSE(transition.should_send_presence);
  EXPECT_FALSE(outbound_subscribed(approved(kNone)).should_push);  // nothing new
}

TEST(PreApproval, IsTakenBackByUnsubscribedWithoutAWordToTheContact) {
  for (const SubscriptionState state : {kNone, kNoneOut, kTo}) {
    SCOPED_TRACE(describe(state));
    const OutboundTransition transition = outbound_unsubscribed(approved(state));
    EXPECT_EQ(describe(transition.state), describe(state));
    EXPECT_FALSE(transition.should_route);
    EXPECT_TRUE(transition.should_push);
  }
  EXPECT_EQ(describe(outbound_unsubscribed(approved(kBoth)).state), describe(kTo));
}

TEST(PreApproval, StaysThroughWhatTheContactDoes) {
  EXPECT_TRUE(inbound_unsubscribe(approved(kBoth)).state.is_approved);
  EXPECT_TRUE(inbound_unsubscribed(approved(kBoth)).state.is_approved);
  EXPECT_TRUE(inbound_subscribed(approved(kNoneOut)).state.is_approved);
  EXPECT_TRUE(outbound_unsubscribe(approved(kTo)).state.is_approved);
}

TEST(Presence, FollowsEachChangeOfWhoSeesTheUser) {
  for (const SubscriptionState state : kStates) {
    SCOPED_TRACE(describe(state));
    EXPECT_EQ(outbound_subscribed(state).should_send_presence, state.is_pending_in);
    EXPECT_EQ(outbound_unsubscribed(state).should_send_unavailable, state.has_from());
    EXPECT_EQ(inbound_unsubscribe(state).should_send_unavailable, state.has_from());
    EXPECT_FALSE(outbound_subscribe(state).should_send_presence);
    EXPECT_FALSE(outbound_unsubscribe(state).should_send_unavailable);
    EXPECT_FALSE(inbound_subscribed(state).should_send_presence);
    EXPECT_FALSE(inbound_unsubscribed(state).should_send_unavailable);
  }
}

TEST(SubscriptionState, StaysNormalThroughEveryStep) {
  for (const SubscriptionState plain : kStates) {
    for (const SubscriptionState state : {plain, approved(plain)}) {
      SCOPED_TRACE(describe(state));
      EXPECT_TRUE(state.is_normal());
      for (const auto step :
           {outbound_subscribe, outbound_unsubscribe, outbound_subscribed, outbound_unsubscribed}) {
        EXPECT_TRUE(step(state).state.is_normal());
        EXPECT_EQ(step(step(state).state).state, step(state).state);  // twice is once
      }
      for (const auto step :
           {inbound_subscribe, inbound_unsubscribe, inbound_subscribed, inbound_unsubscribed}) {
        EXPECT_TRUE(step(state).state.is_normal());
        EXPECT_EQ(step(step(state).state).state, step(state).state);
      }
    }
  }
  EXPECT_FALSE((SubscriptionState{Subscription::to, true, false, false}).is_normal());
  EXPECT_FALSE((SubscriptionState{Subscription::from, false, true, false}).is_normal());
  EXPECT_FALSE((SubscriptionState{Subscription::both, true, true, false}).is_normal());
}

TEST(SubscriptionState, OfARequestThatNobodyAnsweredIsNotInTheRoster) {
  EXPECT_FALSE(kNone.is_in_roster());
  EXPECT_FALSE(kNoneIn.is_in_roster());
  EXPECT_TRUE(kNoneOut.is_in_roster());
  EXPECT_TRUE(kToIn.is_in_roster());
  EXPECT_TRUE(approved(kNone).is_in_roster());
}

TEST(TwoServers, AgreeAfterEveryExchange) {
  // The user's stanza as routed reaches the contact's server, whose state mirrors the user's.
  SubscriptionState user;
  SubscriptionState contact;
  const auto send = [](OutboundTransition (*out)(SubscriptionState),
                       InboundTransition (*in)(SubscriptionState), SubscriptionState& sender,
                       SubscriptionState& receiver) {
    const OutboundTransition sent = out(sender);
    sender = sent.state;
    if (sent.should_route) {
      receiver = in(receiver).state;
    }
  };
  send(outbound_subscribe, inbound_subscribe, user, contact);
  EXPECT_EQ(describe(user), "none+out");
  EXPECT_EQ(describe(contact), "none+in");
  send(outbound_subscribed, inbound_subscribed, contact, user);
  EXPECT_EQ(describe(user), "to");
  EXPECT_EQ(describe(contact), "from");
  send(outbound_subscribe, inbound_subscribe, contact, user);
  send(outbound_subscribed, inbound_subscribed, user, contact);
  EXPECT_EQ(describe(user), "both");
  EXPECT_EQ(describe(contact), "both");
  send(outbound_unsubscribe, inbound_unsubscribe, user, contact);
  EXPECT_EQ(describe(user), "from");
  EXPECT_EQ(describe(contact), "to");
  send(outbound_unsubscribed, inbound_unsubscribed, user, contact);
  EXPECT_EQ(describe(user), "none");
  EXPECT_EQ(describe(contact), "none");
}

TEST(Subscription, HasItsNameInTheRoster) {
  for (const std::string_view name : {"none", "to", "from", "both"}) {
    EXPECT_EQ(to_text(parse_subscription(name).value()), name);
  }
  for (const std::string_view name : {"", "None", "remove", "ask"}) {
    EXPECT_FALSE(parse_subscription(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace rondel::xmpp
