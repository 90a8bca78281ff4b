// What only shows between a request and the storage's answer; the protocol is in tests/scenario.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <utility>

#include "modules/roster/roster_module.h"
#include "tests/modules_roster/fake_shard.h"
#include "xml/parser.h"

namespace rondel::modules::roster {
namespace {

using store::RosterChange;
using store::RosterItem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using xmpp::StanzaErrorCondition;

constexpr const char* kBare = "romeo@example.net";

base::Task<> keep(base::Task<api::IqReply> task, std::optional<api::IqReply>& reply) {
  reply.emplace(co_await std::move(task));
}

class RosterShardTest : public testing::Test {
 protected:
  RosterShardTest()
      : roster_(shard_, Slots{{0}, {0}}),
        user_(shard_.add_user(kBare)),
        orchard_(user_.add_session("orchard")),
        mobile_(user_.add_session("mobile")) {}

  /// Starts a request; the reply is there once the storage has answered.
  void ask(const char* type,
           const std::string& content,
           std::optional<api::IqReply>& reply,
           const std::string& from = "romeo@example.net/orchard",
           const std::string& attributes = "") {
    auto document = xml::parse_standalone("<iq xmlns='jabber:client' id='1' type='" +
                                          std::string(type) + "' from='" + from + "' to='" + kBare +
                                          "'><query xmlns='jabber:iq:roster' " + attributes + ">" +
                                          content + "</query></iq>");
    ASSERT_TRUE(document.has_value());
    auto stanza = xmpp::Stanza::from_document(std::move(*document));
    ASSERT_TRUE(stanza.has_value());
    api::IqRequest request(shard_, std::move(*stanza));
    keep(roster_.asked(std::move(request)), reply).start();
  }
  void open(const std::string& from = "romeo@example.net/orchard") {
    std::optional<api::IqReply> reply;
    ask("get", "", reply, from);
    shard_.settle();
    ASSERT_TRUE(reply.has_value());
    ASSERT_TRUE(reply->is_none());
    shard_.delivered.clear();
  }

  test::FakeShard shard_;
  RosterShard roster_;
  test::FakeUser& user_;
  api::Session& orchard_;
  api::Session& mobile_;
};

TEST_F(RosterShardTest, AnswersAndPushesASetOnlyOnceItIsStored) {
  open();
  std::optional<api::IqReply> reply;
  ask("set", "<item jid='nurse@example.net'/>", reply);
  EXPECT_FALSE(reply.has_value());
  EXPECT_THAT(shard_.delivered, IsEmpty());
  shard_.settle();
  ASSERT_TRUE(reply.has_value());
  EXPECT_FALSE(reply->is_error());
  EXPECT_THAT(shard_.delivered, ElementsAre(HasSubstr("nurse@example.net")));
  EXPECT_EQ(shard_.stored("romeo").items.size(), 1u);
}

TEST_F(RosterShardTest, ChangesNothingWhereTheStorageDoesNot) {
  open();
  shard_.is_storage_away = true;
  std::optional<api::IqReply> reply;
  ask("set", "<item jid='nurse@example.net'/>", reply);
  shard_.settle();
  ASSERT_TRUE(reply.has_value() && reply->is_error());
  EXPECT_EQ(reply->condition(), StanzaErrorCondition::resource_constraint);
  EXPECT_THAT(shard_.delivered, IsEmpty());
  EXPECT_THAT(roster_.cached(user_)->items, IsEmpty());
  shard_.is_storage_away = false;
  std::optional<api::IqReply> again;
  ask("set", "<item jid='nurse@example.net'/>", again);
  shard_.settle();
  ASSERT_TRUE(again.has_value());
  EXPECT_FALSE(again->is_error());
  EXPECT_EQ(roster_.cached(user_)->items.size(), 1u);
}

TEST_F(RosterShardTest, NeverTakesAStorageThatIsAwayForAnEmptyRoster) {
  shard_.is_storage_away = true;
  std::optional<api::IqReply> reply;
  ask("get", "", reply);
  shard_.settle();
  ASSERT_TRUE(reply.has_value() && reply->is_error());
  EXPECT_EQ(reply->condition(), StanzaErrorCondition::resource_constraint);
  EXPECT_FALSE(roster_.is_interested(orchard_));
  EXPECT_EQ(roster_.cached(user_), nullptr);
  shard_.is_storage_away = false;
  open();
  EXPECT_TRUE(roster_.is_interested(orchard_));
}

TEST_F(RosterShardTest, ChangesOfTwoSessionsDoNotOverwriteEachOther) {
  open();
  std::optional<api::IqReply> first;
  std::optional<api::IqReply> second;
  std::optional<api::IqReply> third;
  ask("set", "<item jid='a@example.net' name='one'/>", first);
  ask("set", "<item jid='a@example.net' name='two'/>", second, "romeo@example.net/mobile");
  ask("set", "<item jid='a@example.net' subscription='remove'/>", third);
  EXPECT_FALSE(first || second || third);
  shard_.settle();
  ASSERT_TRUE(first && second && third);
  EXPECT_FALSE(first->is_error() || second->is_error() || third->is_error());
  EXPECT_THAT(shard_.delivered, ElementsAre(HasSubstr("'one'"), HasSubstr("'two'"),
                                            HasSubstr("subscription='remove'")));
  EXPECT_THAT(shard_.stored("romeo").items, IsEmpty());
  EXPECT_EQ(shard_.stored("romeo").version, roster_.cached(user_)->version);
}

TEST_F(RosterShardTest, WritesAResultBeforeThePushesThatFollowIt) {
  open();
  std::optional<api::IqReply> set;
  ask("set", "<item jid='a@example.net'/>", set);
  shard_.settle();
  ask("set", "<item jid='b@example.net'/>", set);
  shard_.settle();
  const std::string old = std::to_string(roster_.cached(user_)->version - 1);
  shard_.delivered.clear();
  std::optional<api::IqReply> get;
  ask("get", "", get, "romeo@example.net/mobile", "ver='" + old + "'");
  shard_.settle();
  EXPECT_THAT(shard_.delivered,
              ElementsAre(HasSubstr("type='result'"), HasSubstr("b@example.net")));
}

TEST_F(RosterShardTest, TellsContactsWhatARemovalEnds) {
  open();
  RosterItem friendly("juliet@example.net");
  friendly.subscription = store::Subscription::both;
  std::vector<RosterChange> changes{RosterChange::put(friendly)};
  base::Task<store::StoreResult<void>> change = roster_.change(user_, std::move(changes));
  const auto run = [](base::Task<store::StoreResult<void>> task) -> base::Task<> {
    co_await std::move(task);
  };
  run(std::move(change)).start();
  shard_.settle();
  orchard_.set_available(xml::Document::create("presence", "jabber:client").root(), 0);
  std::optional<api::IqReply> reply;
  ask("set", "<item jid='juliet@example.net' subscription='remove'/>", reply);
  EXPECT_THAT(shard_.routed, IsEmpty());
  shard_.settle();
  EXPECT_THAT(shard_.routed,
              ElementsAre(HasSubstr("type='unsubscribe'"), HasSubstr("type='unavailable'"),
                          HasSubstr("type='unsubscribed'")));
}

TEST_F(RosterShardTest, AnAccountThatIsRemovedLeavesItsContactsAndTheCache) {
  open();
  RosterItem waiting("eve@example.net");
  waiting.is_listed = false;
  waiting.pending_in = "<presence/>";
  RosterItem friendly("juliet@example.net");
  friendly.subscription = store::Subscription::both;
  const auto run = [](base::Task<store::StoreResult<void>> task) -> base::Task<> {
    co_await std::move(task);
  };
  std::vector<RosterChange> changes{RosterChange::put(waiting), RosterChange::put(friendly)};
  run(roster_.change(user_, std::move(changes))).start();
  shard_.settle();
  std::optional<api::IqReply> late;
  ask("set", "<item jid='late@example.net'/>", late);
  roster_.account_changed(store::UserKey("romeo", "example.net"), api::AccountEvent::removed);
  EXPECT_EQ(roster_.cached(user_), nullptr);
  EXPECT_THAT(shard_.routed, ElementsAre(HasSubstr("eve@example.net"), HasSubstr("'unsubscribe'"),
                                         HasSubstr("'unsubscribed'")));
  shard_.settle();
  ASSERT_TRUE(late.has_value());
  EXPECT_TRUE(late->is_error()) << "what was under way belongs to an account that is gone";
  EXPECT_EQ(roster_.cached(user_), nullptr);
}

TEST_F(RosterShardTest, ANewPasswordLeavesTheRosterAlone) {
  open();
  roster_.account_changed(store::UserKey("romeo", "example.net"),
                          api::AccountEvent::password_changed);
  EXPECT_NE(roster_.cached(user_), nullptr);
  EXPECT_THAT(shard_.routed, IsEmpty());
}

TEST_F(RosterShardTest, RefusesOthersTheRoster) {
  for (const char* type : {"get", "set"}) {
    std::optional<api::IqReply> reply;
    ask(type, "", reply, "juliet@example.net/balcony");
    shard_.settle();
    ASSERT_TRUE(reply.has_value() && reply->is_error());
    EXPECT_EQ(reply->condition(), StanzaErrorCondition::forbidden);
  }
}

}  // namespace
}  // namespace rondel::modules::roster
