// Presence and subscriptions between users whom a group of a storage brings together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <utility>

#include "modules/presence/presence_module.h"
#include "modules/roster/roster_module.h"
#include "tests/modules_roster/fake_groups.h"
#include "tests/modules_roster/fake_shard.h"
#include "xml/parser.h"

namespace rondel::modules::presence {
namespace {

using api::Outcome;
using store::RosterChange;
using store::RosterItem;
using store::Subscription;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kRomeo = "romeo@example.net";
constexpr const char* kJuliet = "juliet@example.net";

/// Romeo is at home here and in a group with Juliet, who may be anywhere.
class GroupContacts : public testing::Test {
 protected:
  GroupContacts() {
    groups_.set({{"Verona", {"romeo", "juliet"}}});
    shard_.set_groups(&groups_);
    roster_.emplace(shard_, roster::Slots{{0}, {0}});
    presence_.emplace(shard_, api::SessionSlot<PresenceSession>{1});
    roster_->started();
    presence_->started();
    shard_.pass_ms(5);
  }

  static xmpp::Stanza stanza(const std::string& type, const std::string& from, const char* to) {
    std::string text = "<presence xmlns='jabber:client' from='" + from + "'";
    text += type.empty() ? "" : " type='" + type + "'";
    text += to == nullptr ? "/>" : std::string(" to='") + to + "'/>";
    return std::move(*xmpp::Stanza::from_document(std::move(*xml::parse_standalone(text))));
  }
  /// From Romeo's session; `to` is null for a broadcast.
  void send(const std::string& type, const char* to) {
    xmpp::Stanza sent = stanza(type, std::string(kRomeo) + "/orchard", to);
    std::optional<api::Outbound> outbound;
    store::test::TestExecutor::start(presence_->outbound(std::string(sent.from().full()), sent),
                                     outbound);
    shard_.settle();
    ASSERT_TRUE(outbound.has_value());
  }
  /// To Romeo's account.
  Outcome receive(const std::string& type, const std::string& from = kJuliet) {
    xmpp::Stanza received = stanza(type, from, kRomeo);
    std::optional<Outcome> outcome;
    store::test::TestExecutor::start(presence_->inbound(kRomeo, received), outcome);
    shard_.settle();
    EXPECT_TRUE(outcome.has_value());
    return outcome.value_or(Outcome::dropped);
  }
  void store_own(RosterItem item) {
    std::optional<store::StoreResult<void>> done;
    std::vector<RosterChange> changes{RosterChange::put(std::move(item))};
    store::test::TestExecutor::start(roster_->change(romeo_, std::move(changes)), done);
    shard_.settle();
  }
  void forget() {
    shard_.routed.clear();
    shard_.delivered.clear();
  }

  test::FakeGroups groups_;
  test::FakeShard shard_;
  std::optional<roster::RosterShard> roster_;
  std::optional<PresenceShard> presence_;
  test::FakeUser& romeo_ = shard_.add_user(kRomeo);
  api::Session& orchard_ = romeo_.add_session("orchard");
};

TEST_F(GroupContacts, SeeEachOtherFromTheFirstPresenceToTheLast) {
  test::FakeUser& juliet = shard_.add_user(kJuliet);
  juliet.add_session("balcony").set_available(
      xml::Document::create("presence", "jabber:client").root(), 0);
  send("", nullptr);
  EXPECT_THAT(shard_.routed, Contains(AllOf(HasSubstr("to='juliet@"), Not(HasSubstr("type=")))));
  EXPECT_THAT(shard_.routed, Contains(AllOf(HasSubstr("to='juliet@"), HasSubstr("'probe'"))));
  forget();
  EXPECT_EQ(receive("probe", std::string(kJuliet) + "/balcony"), Outcome::handled);
  EXPECT_THAT(shard_.routed, ElementsAre(AllOf(HasSubstr("to='juliet@"), Not(HasSubstr("type=")))));
  forget();
  send("unavailable", nullptr);
  EXPECT_THAT(shard_.routed,
              ElementsAre(AllOf(HasSubstr("to='juliet@"), HasSubstr("'unavailable'"))));
}

TEST_F(GroupContacts, CannotEndWhatTheGroupGives) {
  send("", nullptr);
  forget();
  for (const char* type : {"subscribe", "subscribed"}) {
    send(type, kJuliet);
    EXPECT_THAT(shard_.bounced, IsEmpty()) << type;
  }
  for (const char* type : {"unsubscribe", "unsubscribed"}) {
    send(type, kJuliet);
  }
  EXPECT_THAT(shard_.bounced, ElementsAre(xmpp::StanzaErrorCondition::not_allowed,
                                          xmpp::StanzaErrorCondition::not_allowed));
  EXPECT_THAT(shard_.routed, IsEmpty());
  EXPECT_THAT(shard_.stored("romeo").items, IsEmpty());
}

TEST_F(GroupContacts, ARequestIsGrantedAtOnceAndNotStored) {
  send("", nullptr);
  forget();
  EXPECT_EQ(receive("subscribe"), Outcome::handled);
  EXPECT_THAT(shard_.routed, ElementsAre(AllOf(HasSubstr("'subscribed'"), HasSubstr(kJuliet))));
  EXPECT_THAT(shard_.delivered, IsEmpty());
  EXPECT_THAT(shard_.stored("romeo").items, IsEmpty());
}

TEST_F(GroupContacts, WhatTheOtherSideSaysChangesTheOwnRosterAlone) {
  struct Case {
    const char* type;
    Subscription before;
    Subscription after;
  };
  // The other side may not know yet, or no longer, that there is a group.
  for (const Case& one : {Case{"unsubscribe", Subscription::both, Subscription::to},
                          Case{"unsubscribed", Subscription::both, Subscription::from},
                          Case{"unsubscribed", Subscription::none, Subscription::none}}) {
    RosterItem own(kJuliet, "mine");
    own.subscription = one.before;
    store_own(own);
    send("", nullptr);
    forget();
    receive(one.type);
    EXPECT_EQ(shard_.stored("romeo").items.at(0).subscription, one.after) << one.type;
    EXPECT_EQ(roster_->cached(romeo_)->items.at(0).subscription, Subscription::both) << one.type;
    EXPECT_THAT(shard_.delivered, IsEmpty()) << one.type;
    EXPECT_THAT(shard_.routed, IsEmpty()) << one.type;
  }
}

TEST_F(GroupContacts, ARequestFromBeforeTheGroupIsNotShownAnyMore) {
  RosterItem waiting(kJuliet);
  waiting.is_listed = false;
  waiting.pending_in =
      "<presence xmlns='jabber:client' type='subscribe' from='juliet@example.net'/>";
  store_own(waiting);
  send("", nullptr);
  EXPECT_THAT(shard_.delivered, Not(Contains(HasSubstr("'subscribe'"))));
  send("unavailable", nullptr);
  groups_.set({});
  shard_.pass_ms(1100);
  forget();
  send("", nullptr);
  EXPECT_THAT(shard_.delivered, Contains(HasSubstr("'subscribe'")));
}

}  // namespace
}  // namespace rondel::modules::presence
