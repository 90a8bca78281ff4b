#include <gmock/gmock.h>

#include "store/memory_storage.h"
#include "tests/store/storage_conformance.h"

namespace rondel::store::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const UserKey kJuliet{"juliet", "example.org"};
const UserKey kRomeo{"romeo", "example.org"};
const UserKey kOrphan{"orphan", "example.org"};
const UserKey kHost{"", "example.org"};
const Timestamp kStamp{std::chrono::milliseconds(1'700'000'000'123)};

class Filled {
 public:
  Filled(StorageSession& session, TestExecutor& shard) {
    const auto ok = [&](auto task) {
      ASSERT_EQ(outcome_of(shard.get_blocking(std::move(task))), "ok");
    };
    ok(session.users()->create(kJuliet, sample_credentials("j")));
    ok(session.users()->set_state(kJuliet, AccountState::disabled));
    ok(session.users()->bind(kJuliet, {BindingKind::principal, "juliet@R"}));
    ok(session.users()->create(kRomeo, {}));
    for (const UserKey& user : {kJuliet, kOrphan}) {
      RosterItem item("a@x", "A", {"g", "h"});
      item.subscription = Subscription::both;
      ok(session.rosters()->change(
          user, {RosterChange::put(item), RosterChange::put(RosterItem("b@x"))}));
      ok(session.rosters()->change(user, {RosterChange::remove("b@x")}));
      ok(session.offline()->add(user, "<one/>", kStamp, 10));
      ok(session.offline()->add(user, "<two/>", kStamp, 10));
    }
    ok(session.key_values()->put(kJuliet, "s", "k", std::string("\0\xff", 2)));
    ok(session.key_values()->put(kHost, "s", "k", "host"));
    ok(session.users()->create({"juliet", "example.net"}, {}));
  }
};

TEST_P(TransferConformance, EveryoneOfWhomThereIsAnythingIsNamed) {
  const Filled filled(*session_, shard_);
  EXPECT_THAT(*get(session_->owners("example.org", "", 10)), ElementsAre(kJuliet, kOrphan, kRomeo));
  EXPECT_THAT(*get(session_->owners("example.org", "juliet", 1)), ElementsAre(kOrphan));
  EXPECT_THAT(*get(session_->owners("example.com", "", 10)), IsEmpty());
}

TEST_P(TransferConformance, AllThatThereIsComesOverToAnotherStorageAndBack) {
  const Filled filled(*session_, shard_);
  MemoryStorage other({false, nullptr});
  ASSERT_TRUE(other.open_blocking().has_value());
  auto there = other.attach(shard_);
  for (const UserKey& user : {kHost, kJuliet, kOrphan, kRomeo}) {
    const auto read = get(session_->read_all(user));
    ASSERT_TRUE(read.has_value());
    ASSERT_EQ(outcome_of(get(there->write_all(*read))), "ok");
    const auto copied = get(there->read_all(user));
    EXPECT_TRUE(is_same_data(*read, *copied)) << to_text(user);
    ASSERT_EQ(outcome_of(get(session_->write_all(*copied))), "ok") << "over what is there";
    EXPECT_TRUE(is_same_data(*read, *get(session_->read_all(user)))) << to_text(user);
  }
  const auto juliet = get(there->read_all(kJuliet));
  ASSERT_TRUE(juliet->account.has_value());
  EXPECT_EQ(juliet->account->account.state, AccountState::disabled);
  EXPECT_THAT(juliet->account->credentials.bindings, SizeIs(1));
  EXPECT_THAT(juliet->roster.removals, SizeIs(1));
  EXPECT_THAT(juliet->offline, SizeIs(2));
  EXPECT_FALSE(get(there->read_all(kOrphan))->account.has_value());
  EXPECT_THAT(get(there->read_all(kHost))->values, SizeIs(1));
  other.close_blocking();
}

TEST_P(TransferConformance, WritingReplacesAllThatWasThere) {
  const Filled filled(*session_, shard_);
  ASSERT_EQ(outcome_of(get(session_->write_all(UserData(kJuliet)))), "ok");
  EXPECT_TRUE(is_same_data(*get(session_->read_all(kJuliet)), UserData(kJuliet)));
  EXPECT_EQ(outcome_of(get(users().lookup(kRomeo))), "ok");
}

TEST_P(TransferConformance, ABindingOfAnotherAccountIsAConflictAndChangesNothing) {
  const Filled filled(*session_, shard_);
  UserData romeo = *get(session_->read_all(kRomeo));
  romeo.account->credentials.bindings.emplace_back(BindingKind::principal, "juliet@R");
  EXPECT_EQ(outcome_of(get(session_->write_all(romeo))), "conflict");
  EXPECT_EQ(outcome_of(get(users().lookup(kRomeo))), "ok");
}

TEST(UserData, EveryDifferenceCounts) {
  UserData one(kJuliet);
  one.account = AccountWithCredentials{{kJuliet, AccountState::active, kStamp, kStamp},
                                       sample_credentials("j")};
  one.offline.push_back({1, kStamp, "<one/>"});
  one.values.push_back({"s", "k", "v"});
  UserData other = one;
  other.offline[0].id = 2;
  EXPECT_TRUE(is_same_data(one, other)) << "each storage numbers for itself";
  const std::function<void(UserData&)> changes[] = {
      [](UserData& d) { d.account.reset(); },
      [](UserData& d) { d.account->account.state = AccountState::disabled; },
      [](UserData& d) { d.account->credentials.scram.pop_back(); },
      [](UserData& d) { d.account->credentials.bindings.emplace_back(); },
      [](UserData& d) { d.roster.items.emplace_back("a@b"); },
      [](UserData& d) {
        d.roster.removals.push_back({"a@b", 1});
      },
      [](UserData& d) { d.roster.version = 1; },
      [](UserData& d) { d.roster.complete_since = 1; },
      [](UserData& d) { d.offline[0].stanza = "<two/>"; },
      [](UserData& d) { d.offline[0].stamp += std::chrono::milliseconds(1); },
      [](UserData& d) { d.offline.pop_back(); },
      [](UserData& d) { d.values[0].value = "w"; },
      [](UserData& d) { d.values.pop_back(); }};
  for (const auto& change : changes) {
    UserData changed = one;
    change(changed);
    EXPECT_FALSE(is_same_data(one, changed)) << &change - changes;
  }
}

}  // namespace
}  // namespace rondel::store::test
