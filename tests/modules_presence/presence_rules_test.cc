#include "modules/presence/presence_rules.h"

#include <gtest/gtest.h>
#include <string>
#include <utility>

#include "xml/parser.h"

namespace rondel::modules::presence {
namespace {

using store::RosterChange;
using store::RosterItem;
using xmpp::Subscription;
using xmpp::SubscriptionState;

TEST(Priority, IsANumberOfOneByte) {
  const std::pair<const char*, int> valid[] = {{"0", 0},     {"5", 5},       {"-1", -1},
                                               {"127", 127}, {"-128", -128}, {"+7", 7},
                                               {" 3\n", 3},  {"007", 7},     {"-0", 0}};
  for (const auto& [text, number] : valid) {
    EXPECT_EQ(parse_priority(text), number) << text;
  }
  for (const char* text : {"", " ", "128", "-129", "high", "1.5", "1 2", "+-1", "--1", "+", "-",
                           "0x1", "1e1", "99999999999999999999", "\xD9\xA1"}) {
    EXPECT_FALSE(parse_priority(text).has_value()) << text;
  }
}

TEST(AvailablePresence, MayHaveOneShowAndOnePriority) {
  struct Case {
    const char* content;
    int priority;
    bool is_valid = true;
  };
  const Case cases[] = {
      {"", 0},
      {"<status>hello</status>", 0},
      {"<show>away</show>", 0},
      {"<show>chat</show><priority>4</priority>", 4},
      {"<show>dnd</show>", 0},
      {"<show>xa</show>", 0},
      {"<show xmlns='urn:other'>busy</show><priority xmlns='urn:other'>x</priority>", 0},
      {"<show>busy</show>", 0, false},
      {"<show/><status/>", 0},
      {"<show></show><priority>3</priority>", 3},
      {"<show> </show>", 0, false},
      {"<show> away</show>", 0, false},
      {"<show>away</show><show>away</show>", 0, false},
      {"<priority/>", 0, false},
      {"<priority>1</priority><priority>1</priority>", 0, false},
      {"<priority>1000</priority>", 0, false},
  };
  for (const Case& one : cases) {
    const auto presence = xml::parse_standalone("<presence xmlns='jabber:client'>" +
                                                std::string(one.content) + "</presence>");
    ASSERT_TRUE(presence.has_value()) << one.content;
    const auto priority = check_available(presence->root());
    ASSERT_EQ(priority.has_value(), one.is_valid) << one.content;
    if (one.is_valid) {
      EXPECT_EQ(*priority, one.priority) << one.content;
    }
  }
}

TEST(SubscriptionInAnItem, NoItemIsNoRelation) {
  EXPECT_EQ(state_of(nullptr), SubscriptionState());
}

TEST(SubscriptionInAnItem, EveryStateComesBackAsItWas) {
  for (const auto subscription :
       {Subscription::none, Subscription::to, Subscription::from, Subscription::both}) {
    for (int bits = 0; bits < 8; ++bits) {
      const SubscriptionState state{subscription, (bits & 1) != 0, (bits & 2) != 0,
                                    (bits & 4) != 0};
      const RosterChange change = change_to(nullptr, "a@example.net", state, "<presence/>");
      EXPECT_EQ(change.item.jid, "a@example.net");
      if (change.kind == RosterChange::Kind::remove) {
        EXPECT_EQ(state, SubscriptionState());
      } else {
        EXPECT_EQ(state_of(&change.item), state);
        EXPECT_EQ(change.item.is_listed, state.is_in_roster());
      }
    }
  }
}

TEST(SubscriptionInAnItem, ARequestIsKeptUntilItIsAnswered) {
  SubscriptionState state;
  state.is_pending_in = true;
  RosterChange change = change_to(nullptr, "a@example.net", state, "<first/>");
  EXPECT_EQ(change.kind, RosterChange::Kind::put);
  EXPECT_FALSE(change.item.is_listed);
  EXPECT_EQ(change.item.pending_in, "<first/>");
  const RosterItem waiting = change.item;
  state.is_pending_out = true;
  change = change_to(&waiting, "a@example.net", state, "");
  EXPECT_TRUE(change.item.is_listed);
  EXPECT_EQ(change.item.pending_in, "<first/>");
  state.is_pending_in = false;
  change = change_to(&change.item, "a@example.net", state, "");
  EXPECT_EQ(change.item.pending_in, "");
}

TEST(SubscriptionInAnItem, AContactStaysInTheRosterWithoutASubscription) {
  RosterItem item("a@example.net", "A", {"x"});
  item.subscription = Subscription::both;
  const RosterChange change = change_to(&item, "a@example.net", SubscriptionState(), "");
  ASSERT_EQ(change.kind, RosterChange::Kind::put);
  EXPECT_EQ(change.item, RosterItem("a@example.net", "A", {"x"}));
}

TEST(SubscriptionInAnItem, AStrangersRequestLeavesNothingBehind) {
  RosterItem waiting("a@example.net");
  waiting.is_listed = false;
  waiting.pending_in = "<presence/>";
  EXPECT_EQ(change_to(&waiting, "a@example.net", SubscriptionState(), "").kind,
            RosterChange::Kind::remove);
}

TEST(KeptRequest, IsWholeUnlessItIsTooLong) {
  const auto request_with = [](std::size_t bytes) {
    const auto from = xmpp::Jid::parse("a@example.net");
    const auto to = xmpp::Jid::parse("b@example.net");
    xml::Document document = xmpp::make_presence(xmpp::PresenceType::subscribe, *from, *to);
    xml::ElementBuilder(document).child("status").text(std::string(bytes, 's'));
    auto stanza = xmpp::Stanza::from_document(std::move(document));
    return kept_request(*stanza);
  };
  EXPECT_NE(request_with(100).find(std::string(100, 's')), std::string::npos);
  EXPECT_LE(request_with(kRequestBytesMax).size(), 200u);
  EXPECT_NE(request_with(kRequestBytesMax).find("type='subscribe'"), std::string::npos);
  EXPECT_NE(request_with(kRequestBytesMax).find("a@example.net"), std::string::npos);
}

}  // namespace
}  // namespace rondel::modules::presence
