#include <atomic>
#include <gmock/gmock.h>
#include <set>
#include <thread>

#include "tests/store/storage_conformance.h"

namespace rondel::store::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

const UserKey kJuliet{"juliet", "example.org"};
const Timestamp kStamp{std::chrono::milliseconds(1'700'000'000'123)};

TEST_P(SessionConformance, AReadSeesTheUsersEarlierWritesEvenIfNoneWasAwaited) {
  constexpr int kRounds = 200;
  std::vector<std::optional<StoreResult<void>>> added(kRounds);
  std::vector<std::optional<StoreResult<std::uint64_t>>> counted(kRounds);
  for (int i = 0; i < kRounds; ++i) {
    const auto at = static_cast<std::size_t>(i);
    TestExecutor::start(offline().add(kJuliet, std::to_string(i), kStamp, 1000), added[at]);
    TestExecutor::start(offline().count(kJuliet), counted[at]);
  }
  shard_.run_until_blocking([&] {
    return std::ranges::all_of(counted, [](const auto& one) { return one.has_value(); }) &&
           std::ranges::all_of(added, [](const auto& one) { return one.has_value(); });
  });
  for (int i = 0; i < kRounds; ++i) {
    const auto at = static_cast<std::size_t>(i);
    ASSERT_TRUE(counted[at]->has_value());
    EXPECT_GE(counted[at]->value(), at + 1);
  }
  const auto all = get(offline().fetch(kJuliet, 0, 1000));
  ASSERT_THAT(*all, SizeIs(kRounds));
  for (int i = 0; i < kRounds; ++i) {
    EXPECT_EQ((*all)[static_cast<std::size_t>(i)].stanza, std::to_string(i));
  }
}

TEST_P(SessionConformance, HasTheFacesThatTheStorageDeclares) {
  const KindSet kinds = under_test_->storage().kinds("example.org");
  EXPECT_EQ(kinds.users, session_->users() != nullptr);
  EXPECT_EQ(kinds.rosters, session_->rosters() != nullptr);
  EXPECT_EQ(kinds.offline, session_->offline() != nullptr);
  EXPECT_EQ(kinds.values, session_->key_values() != nullptr);
  EXPECT_EQ(kinds.groups, session_->groups() != nullptr);
}

TEST_P(SessionConformance, AListSeesAnImportThatWasNotAwaited) {
  std::vector<NewUser> import;
  for (int i = 0; i < 500; ++i) {
    import.push_back({{"user" + std::to_string(i), "example.org"}, {}});
  }
  std::optional<StoreResult<ImportOutcome>> imported;
  std::optional<StoreResult<std::uint64_t>> counted;
  std::optional<StoreResult<Account>> found;
  TestExecutor::start(users().create_many(import), imported);
  TestExecutor::start(users().count("example.org"), counted);
  TestExecutor::start(users().lookup({"user499", "example.org"}), found);
  shard_.run_until_blocking([&] { return imported && counted && found; });
  EXPECT_EQ(counted->value(), 500);
  EXPECT_EQ(outcome_of(*found), "ok");
}

TEST_P(SessionConformance, WritersOnSeveralShardsLoseAndMixNothing) {
  constexpr int kShards = 4;
  constexpr int kStanzas = 150;
  Storage& storage = under_test_->storage();
  std::atomic<int> created{0};
  std::atomic<int> failed{0};
  const auto work = [&](int number) {
    TestExecutor shard;
    auto session = storage.attach(shard);
    const UserKey own{"user" + std::to_string(number), "example.org"};
    if (shard.get_blocking(session->users()->create(kJuliet, {})).has_value()) {
      ++created;
    }
    for (int i = 0; i < kStanzas; ++i) {
      const std::string text = std::to_string(number) + ":" + std::to_string(i);
      failed += shard.get_blocking(session->offline()->add(own, text, kStamp, 10000)) ? 0 : 1;
      failed += shard.get_blocking(session->offline()->add(kJuliet, text, kStamp, 10000)) ? 0 : 1;
      failed += shard.get_blocking(
                    session->rosters()->change(own, {RosterChange::put(RosterItem{text, "", {}})}))
                    ? 0
                    : 1;
    }
    // Completions of this shard are all answered: nothing of it is under way any more.
  };
  std::vector<std::thread> threads;
  for (int number = 0; number < kShards; ++number) {
    threads.emplace_back(work, number);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(created, 1);
  EXPECT_EQ(failed, 0);
  std::vector<int> next(kShards, 0);
  const auto shared = get(offline().fetch(kJuliet, 0, 10000));
  ASSERT_THAT(*shared, SizeIs(kShards * kStanzas));
  std::set<std::uint64_t> ids;
  for (const OfflineStanza& one : *shared) {
    ids.insert(one.id);
    const int number = one.stanza[0] - '0';
    int& expected = next[static_cast<std::size_t>(number)];
    EXPECT_EQ(one.stanza, std::to_string(number) + ":" + std::to_string(expected));
    ++expected;
  }
  EXPECT_THAT(ids, SizeIs(kShards * kStanzas));
  for (int number = 0; number < kShards; ++number) {
    const UserKey own{"user" + std::to_string(number), "example.org"};
    EXPECT_EQ(get(offline().count(own)).value(), kStanzas);
    EXPECT_THAT(get(rosters().load(own))->items, SizeIs(kStanzas));
  }
}

TEST_P(SessionConformance, AnOutageIsUnavailableNeverNotFoundAndLeavesNothingHalfDone) {
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, sample_credentials("j")))), "ok");
  const std::uint64_t version =
      get(rosters().change(kJuliet, {RosterChange::put(RosterItem{"a@x", "A", {}})})).value();
  ASSERT_EQ(outcome_of(get(offline().add(kJuliet, "<one/>", kStamp, 10))), "ok");
  ASSERT_EQ(outcome_of(get(key_values().put(kJuliet, "s", "k", "v"))), "ok");

  under_test_->set_outage(true);
  const UserKey romeo{"romeo", "example.org"};
  const std::vector<NewUser> import{{romeo, {}}};
  EXPECT_EQ(outcome_of(get(users().create(romeo, {}))), "unavailable");
  EXPECT_EQ(outcome_of(get(users().create_many(import))), "unavailable");
  EXPECT_EQ(outcome_of(get(users().set_credentials(kJuliet, {}))), "unavailable");
  EXPECT_EQ(outcome_of(get(users().set_state(kJuliet, AccountState::disabled))), "unavailable");
  EXPECT_EQ(outcome_of(get(users().remove(kJuliet))), "unavailable");
  EXPECT_EQ(outcome_of(get(session_->erase_user(kJuliet))), "unavailable");
  EXPECT_EQ(outcome_of(get(rosters().change(kJuliet, {RosterChange::remove("a@x")}))),
            "unavailable");
  EXPECT_EQ(outcome_of(get(offline().add(kJuliet, "<two/>", kStamp, 10))), "unavailable");
  EXPECT_EQ(outcome_of(get(offline().remove_through(kJuliet, 1u << 30))), "unavailable");
  EXPECT_EQ(outcome_of(get(key_values().put(kJuliet, "s", "k", "w"))), "unavailable");
  EXPECT_EQ(outcome_of(get(key_values().remove(kJuliet, "s", "k"))), "unavailable");
  const std::string lookup = outcome_of(get(users().lookup(kJuliet)));
  EXPECT_TRUE(lookup == "ok" || lookup == "unavailable") << lookup;
  const std::string value = outcome_of(get(key_values().get(kJuliet, "s", "k")));
  EXPECT_TRUE(value == "ok" || value == "unavailable") << value;

  under_test_->set_outage(false);
  EXPECT_EQ(outcome_of(get(users().lookup(romeo))), "not_found");
  EXPECT_EQ(get(users().lookup(kJuliet))->state, AccountState::active);
  EXPECT_EQ(get(users().credentials(kJuliet))->credentials, sample_credentials("j"));
  EXPECT_EQ(get(rosters().load(kJuliet))->version, version);
  EXPECT_EQ(get(offline().count(kJuliet)).value(), 1);
  EXPECT_EQ(get(key_values().get(kJuliet, "s", "k")).value(), "v");
  EXPECT_EQ(outcome_of(get(users().create(romeo, {}))), "ok");
}

TEST_P(SessionConformance, WhatWasHandedInBeforeTheCloseIsDoneAndAnsweredLaterIsUnavailable) {
  constexpr std::size_t kWrites = 300;
  std::vector<std::optional<StoreResult<void>>> added(kWrites);
  for (auto& one : added) {
    TestExecutor::start(offline().add(kJuliet, "<m/>", kStamp, 1000), one);
  }
  under_test_->storage().close_blocking();
  shard_.run_ready();
  for (const auto& one : added) {
    ASSERT_TRUE(one.has_value());
    EXPECT_EQ(outcome_of(*one), "ok");
  }
  EXPECT_EQ(outcome_of(get(offline().add(kJuliet, "<m/>", kStamp, 1000))), "unavailable");
  EXPECT_EQ(outcome_of(get(users().lookup(kJuliet))), "unavailable");
  EXPECT_EQ(outcome_of(get(rosters().load(kJuliet))), "unavailable");
  EXPECT_EQ(outcome_of(get(key_values().get(kJuliet, "s", "k"))), "unavailable");
  under_test_->storage().close_blocking();
}

TEST_P(SessionConformance, ACoroutineMayGoWhileItsOperationIsUnderWay) {
  for (int i = 0; i < 50; ++i) {
    // Started by hand and destroyed at its first wait, as a connection that is lost does.
    auto add = offline().add(kJuliet, "<m/>", kStamp, 1000);
    add.await_suspend(std::noop_coroutine()).resume();
  }
  EXPECT_EQ(get(offline().count(kJuliet)).value(), 50);
}

TEST_P(SessionConformance, ASessionMayGoWhileOperationsOfGoneCoroutinesAreUnderWay) {
  {
    auto other = under_test_->storage().attach(shard_);
    auto add = other->offline()->add(kJuliet, "<m/>", kStamp, 1000);
    add.await_suspend(std::noop_coroutine()).resume();
  }
  under_test_->storage().close_blocking();
  EXPECT_EQ(shard_.run_ready(), 1);
}

TEST_P(SessionConformance, TheStatusIsALine) {
  const std::string status = under_test_->storage().status();
  EXPECT_FALSE(status.empty());
  EXPECT_EQ(status.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace rondel::store::test
