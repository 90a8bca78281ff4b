// Rosters with contacts that groups give, on one shard; what slapd and clients see of it is in
// tests/modules_store_ldap.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <utility>

#include "modules/roster/roster_module.h"
#include "tests/modules_roster/fake_groups.h"
#include "tests/modules_roster/fake_shard.h"
#include "xml/parser.h"

namespace rondel::modules::roster {
namespace {

using store::RosterChange;
using store::RosterItem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using xmpp::StanzaErrorCondition;

constexpr const char* kRomeo = "romeo@example.net";

base::Task<> keep(base::Task<api::IqReply> task, std::optional<api::IqReply>& reply) {
  reply.emplace(co_await std::move(task));
}

class RosterGroups : public testing::Test {
 protected:
  RosterGroups() {
    groups_.set({{"Verona", {"romeo", "juliet"}}});
    shard_.set_groups(&groups_);
    roster_.emplace(shard_, Slots{{0}, {0}});
  }

  void start() {
    roster_->started();
    shard_.pass_ms(10);
  }
  /// What the client is answered and pushed meanwhile, in `shard_.delivered`.
  std::optional<api::IqReply> ask(const char* type,
                                  const std::string& content,
                                  const std::string& attributes = "") {
    auto document = xml::parse_standalone(
        "<iq xmlns='jabber:client' id='1' type='" + std::string(type) +
        "' from='romeo@example.net/orchard' to='" + kRomeo + "'><query xmlns='jabber:iq:roster' " +
        attributes + ">" + content + "</query></iq>");
    api::IqRequest request(shard_, std::move(*xmpp::Stanza::from_document(std::move(*document))));
    std::optional<api::IqReply> reply;
    shard_.delivered.clear();
    keep(roster_->asked(std::move(request)), reply).start();
    shard_.settle();
    return reply;
  }
  std::string version() {
    ask("get", "");
    const std::string& result = shard_.delivered.at(0);
    const std::size_t begin = result.find("ver='") + 5;
    return result.substr(begin, result.find('\'', begin) - begin);
  }
  /// The directory changes, and the next refresh sees it.
  void change_groups(std::vector<store::GroupSource> groups) {
    groups_.set(std::move(groups));
    shard_.delivered.clear();
    shard_.routed.clear();
    shard_.pass_ms(1100);
  }
  void store_own(RosterItem item) {
    const auto run = [](base::Task<store::StoreResult<void>> task) -> base::Task<> {
      co_await std::move(task);
    };
    std::vector<RosterChange> changes{RosterChange::put(std::move(item))};
    run(roster_->change(romeo_, std::move(changes))).start();
    shard_.settle();
  }

  test::FakeGroups groups_;
  test::FakeShard shard_;
  std::optional<RosterShard> roster_;
  test::FakeUser& romeo_ = shard_.add_user(kRomeo);
  api::Session& orchard_ = romeo_.add_session("orchard");
};

TEST_F(RosterGroups, GiveAContactThatNobodyAskedFor) {
  start();
  ask("get", "");
  EXPECT_THAT(shard_.delivered,
              ElementsAre(AllOf(HasSubstr("juliet@example.net"), HasSubstr("name='Juliet C.'"),
                                HasSubstr("subscription='both'"), HasSubstr("<group>Verona<"))));
  EXPECT_THAT(shard_.stored("romeo").items, IsEmpty());
  EXPECT_EQ(shard_.stored("romeo").version, 0u);
}

TEST_F(RosterGroups, AreNotAskedForWhereAHostHasNone) {
  shard_.set_groups(nullptr);
  start();
  ask("get", "");
  EXPECT_THAT(shard_.delivered, ElementsAre(HasSubstr("ver='0'")));
  EXPECT_EQ(groups_.loads, 0);
}

TEST_F(RosterGroups, AContactCanBeRenamedAndPutIntoFurtherGroups) {
  start();
  ask("get", "");
  const auto reply = ask("set",
                         "<item jid='juliet@example.net' name='My love'><group>Verona</group>"
                         "<group>Family</group></item>");
  ASSERT_TRUE(reply && !reply->is_error());
  EXPECT_THAT(shard_.delivered, ElementsAre(AllOf(HasSubstr("'My love'"), HasSubstr("'both'"),
                                                  HasSubstr("Family"), HasSubstr("Verona"))));
  const store::Roster own = shard_.stored("romeo");
  ASSERT_EQ(own.items.size(), 1u);
  EXPECT_EQ(own.items[0].name, "My love");
  EXPECT_THAT(own.items[0].groups, ElementsAre("Family"));
  EXPECT_EQ(own.items[0].subscription, store::Subscription::none);
}

TEST_F(RosterGroups, AContactCannotBeTakenOutOfItsGroupByItsContact) {
  start();
  ask("get", "");
  const auto reply = ask("set", "<item jid='juliet@example.net' name='Juliet C.'/>");
  ASSERT_TRUE(reply && !reply->is_error());
  EXPECT_THAT(shard_.delivered, ElementsAre(HasSubstr("Verona")));
}

TEST_F(RosterGroups, AContactCannotBeRemoved) {
  start();
  store_own(RosterItem("juliet@example.net", "mine"));
  ask("get", "");
  const std::uint64_t before = shard_.stored("romeo").version;
  const auto reply = ask("set", "<item jid='juliet@example.net' subscription='remove'/>");
  ASSERT_TRUE(reply && reply->is_error());
  EXPECT_EQ(reply->condition(), StanzaErrorCondition::not_allowed);
  EXPECT_THAT(shard_.delivered, IsEmpty());
  EXPECT_THAT(shard_.routed, IsEmpty());
  EXPECT_EQ(shard_.stored("romeo").version, before);
  EXPECT_EQ(shard_.stored("romeo").items.at(0).name, "mine");
}

TEST_F(RosterGroups, AChangeIsPushedAndPresenceFollowsIt) {
  start();
  ask("get", "");
  const std::string old = version();
  orchard_.set_available(
      xml::parse_standalone("<presence xmlns='jabber:client' from='romeo@example.net/orchard'/>")
          ->root(),
      0);
  change_groups({{"Verona", {"romeo", "nurse"}}, {"Friends", {"romeo", "benvolio"}}});
  ASSERT_THAT(shard_.delivered, SizeIs(3));
  EXPECT_THAT(shard_.delivered[0], AllOf(HasSubstr("benvolio@"), HasSubstr("'" + old + "'")));
  EXPECT_THAT(shard_.delivered[1],
              AllOf(HasSubstr("juliet@"), HasSubstr("'remove'"), HasSubstr("'" + old + "'")));
  EXPECT_THAT(shard_.delivered[2], AllOf(HasSubstr("nurse@"), Not(HasSubstr(old))));
  EXPECT_THAT(shard_.routed,
              ElementsAre(AllOf(HasSubstr("to='benvolio@"), Not(HasSubstr("type="))),
                          AllOf(HasSubstr("to='nurse@"), Not(HasSubstr("type="))),
                          AllOf(HasSubstr("to='juliet@"), HasSubstr("'unavailable'"))));
  const std::string last = shard_.delivered[2];
  EXPECT_THAT(last, HasSubstr("ver='" + version() + "'"));
}

TEST_F(RosterGroups, WhatIsOwnStaysWhenTheGroupGoes) {
  start();
  RosterItem own("juliet@example.net", "mine", {"Family"});
  own.subscription = store::Subscription::both;
  store_own(own);
  ask("get", "");
  orchard_.set_available(xml::Document::create("presence", "jabber:client").root(), 0);
  change_groups({});
  EXPECT_THAT(shard_.delivered, ElementsAre(AllOf(HasSubstr("'mine'"), HasSubstr("Family"),
                                                  HasSubstr("'both'"), Not(HasSubstr("Verona")))));
  EXPECT_THAT(shard_.routed, IsEmpty()) << "she may see him by her own subscription";
  EXPECT_EQ(roster_->cached(romeo_)->items.size(), 1u);
  EXPECT_FALSE(roster_->is_by_group(romeo_, "juliet@example.net"));
}

TEST_F(RosterGroups, AnOldVersionIsNeverHeldForTheCurrentOne) {
  start();
  const std::string old = version();
  EXPECT_EQ(version(), old);
  ask("get", "", "ver='" + old + "'");
  EXPECT_THAT(shard_.delivered, ElementsAre(Not(HasSubstr("<query"))));
  change_groups({{"Verona", {"romeo", "juliet", "nurse"}}});
  EXPECT_NE(version(), old);
  ask("get", "", "ver='" + old + "'");
  EXPECT_THAT(shard_.delivered, ElementsAre(AllOf(HasSubstr("nurse"), HasSubstr("juliet"))));
  change_groups({{"Verona", {"romeo", "juliet"}}});
  EXPECT_EQ(version(), old) << "the same contacts again";
}

TEST_F(RosterGroups, OwnChangesAreToldByDifferencesBesideGroups) {
  start();
  store_own(RosterItem("a@example.net"));
  store_own(RosterItem("b@example.net"));
  const std::string old = version();
  ask("set", "<item jid='juliet@example.net' name='J'/>");
  ask("get", "", "ver='" + old + "'");
  ASSERT_THAT(shard_.delivered, SizeIs(2));
  EXPECT_THAT(shard_.delivered[1],
              AllOf(HasSubstr("name='J'"), HasSubstr("Verona"), HasSubstr("'both'")));
}

TEST_F(RosterGroups, WhileTheyAreAwayTheLastOnesStay) {
  start();
  ask("get", "");
  groups_.is_away = true;
  change_groups({});
  EXPECT_THAT(shard_.delivered, IsEmpty());
  ask("get", "");
  EXPECT_THAT(shard_.delivered, ElementsAre(HasSubstr("juliet")));
  groups_.is_away = false;
  shard_.pass_ms(1100);
  EXPECT_THAT(shard_.delivered, testing::Contains(HasSubstr("subscription='remove'")));
}

TEST_F(RosterGroups, WhereNoneWereEverReadTheRosterIsThereAllTheSame) {
  groups_.is_away = true;
  start();
  ask("get", "");
  EXPECT_THAT(shard_.delivered, ElementsAre(AllOf(HasSubstr("result"), HasSubstr("ver='0'"))));
  shard_.delivered.clear();
  groups_.is_away = false;
  shard_.pass_ms(1100);
  EXPECT_THAT(shard_.delivered, ElementsAre(HasSubstr("juliet")));
}

TEST_F(RosterGroups, AreNotThereForGuests) {
  start();
  romeo_.set_temporary();
  ask("get", "");
  EXPECT_THAT(shard_.delivered, ElementsAre(Not(HasSubstr("juliet"))));
}

TEST_F(RosterGroups, AnAccountThatIsRemovedIsNoLongerSeenByItsGroup) {
  start();
  ask("get", "");
  orchard_.set_available(xml::Document::create("presence", "jabber:client").root(), 0);
  roster_->account_changed(store::UserKey("romeo", "example.net"), api::AccountEvent::removed);
  EXPECT_THAT(shard_.routed,
              ElementsAre(AllOf(HasSubstr("'unavailable'"), HasSubstr("juliet@example.net"))));
  EXPECT_EQ(roster_->cached(romeo_), nullptr);
}

TEST_F(RosterGroups, EveryShardIsToldAndLaterIfItIsTooBusy) {
  shard_.shards = 3;
  shard_.is_mailbox_full = true;
  start();
  EXPECT_THAT(shard_.posted, IsEmpty());
  shard_.is_mailbox_full = false;
  shard_.pass_ms(110);
  ASSERT_THAT(shard_.posted, SizeIs(2));
  EXPECT_EQ(groups_.loads, 1);
  test::FakeShard other;
  other.own_index = 1;
  other.shards = 3;
  RosterShard there(other, Slots{{0}, {0}});
  there.started();
  test::FakeUser& juliet = other.add_user("juliet@example.net");
  shard_.posted[0].second(other);
  std::optional<store::StoreResult<const store::Roster*>> loaded;
  store::test::TestExecutor::start(there.load(juliet), loaded);
  other.settle();
  ASSERT_TRUE(loaded && loaded->has_value());
  EXPECT_EQ((**loaded)->items.at(0).jid, kRomeo);
}

TEST_F(RosterGroups, ManyUsersAreRefreshedAFewAtATime) {
  std::vector<std::string> locals;
  for (int i = 0; i < 300; ++i) {
    locals.push_back("user" + std::to_string(i));
    test::FakeUser& user = shard_.add_user(locals.back() + "@example.net");
    user.add_session("r");
    std::optional<store::StoreResult<const store::Roster*>> loaded;
    store::test::TestExecutor::start(roster_->load(user), loaded);
    shard_.settle();
  }
  groups_.set({{"All", locals}});
  start();
  const auto seen = [&] {
    return std::ranges::count_if(locals, [&](const std::string& local) {
      return roster_->is_by_group(*shard_.find_user(local + "@example.net"),
                                  local == "user0" ? "user1@example.net" : "user0@example.net");
    });
  };
  const auto first = seen();
  EXPECT_GT(first, 0);
  EXPECT_LT(first, 300);
  shard_.pass_ms(900);
  EXPECT_EQ(seen(), 300);
}

}  // namespace
}  // namespace rondel::modules::roster
