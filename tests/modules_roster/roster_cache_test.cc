#include "modules/roster/roster_cache.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

#include "base/task.h"
#include "store/memory_storage.h"
#include "tests/store/test_executor.h"

namespace rondel::modules::roster {
namespace {

using store::RosterChange;
using store::RosterItem;

RosterChange random_change(std::mt19937& random, int contacts) {
  const std::string jid =
      "c" + std::to_string(random() % static_cast<unsigned>(contacts)) + "@example.net";
  if (random() % 3 == 0) {
    return RosterChange::remove(jid);
  }
  RosterItem item(jid, "name " + std::to_string(random() % 4), {"b", "a", "b"});
  item.subscription = static_cast<store::Subscription>(random() % 4);
  item.is_asked = random() % 2 == 0;
  item.is_listed = random() % 4 != 0;
  item.pending_in = item.is_listed ? "" : "<presence/>";
  return RosterChange::put(std::move(item));
}

void expect_same_as_stored(unsigned seed, int contacts, int rounds) {
  std::mt19937 random(seed);
  store::test::TestExecutor executor;
  store::MemoryStorage::Options options;
  options.has_thread = false;
  store::MemoryStorage storage(std::move(options));
  ASSERT_TRUE(storage.open_blocking().has_value());
  const auto session = storage.attach(executor);
  const store::UserKey user("romeo", "example.net");
  store::Roster cached;
  for (int round = 0; round < rounds; ++round) {
    std::vector<RosterChange> changes;
    for (unsigned count = 1 + random() % 3; count > 0; --count) {
      changes.push_back(random_change(random, contacts));
    }
    const auto version = executor.get_blocking(session->rosters()->change(user, changes));
    ASSERT_TRUE(version.has_value());
    apply_changes(cached, changes, *version);
  }
  const auto stored = executor.get_blocking(session->rosters()->load(user));
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(cached.items, stored->items);
  EXPECT_EQ(cached.version, stored->version);
  EXPECT_LE(cached.removals.size(), store::kRosterRemovalsMax);
  // Either may have forgotten more; what both remember is the same.
  for (std::uint64_t known = std::max(cached.complete_since, stored->complete_since);
       known <= cached.version; ++known) {
    const auto mine = store::changes_since(cached, known);
    const auto theirs = store::changes_since(*stored, known);
    ASSERT_TRUE(mine.has_value() && theirs.has_value());
    EXPECT_EQ(mine->changed, theirs->changed);
    EXPECT_EQ(mine->removed, theirs->removed);
  }
  storage.close_blocking();
}

TEST(RosterCache, IsWhatTheStorageHoldsAfterAnyChanges) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    expect_same_as_stored(seed, 8, 60);
  }
}

TEST(RosterCache, ForgetsOldRemovalsAndSaysSo) {
  expect_same_as_stored(7, 2000, 600);
  store::Roster roster;
  std::uint64_t version = 0;
  for (std::size_t i = 0; i <= store::kRosterRemovalsMax; ++i) {
    const std::string jid = "c" + std::to_string(i) + "@example.net";
    apply_changes(roster, std::vector{RosterChange::put(RosterItem(jid))}, ++version);
    apply_changes(roster, std::vector{RosterChange::remove(jid)}, ++version);
  }
  EXPECT_EQ(roster.removals.size(), store::kRosterRemovalsMax);
  EXPECT_EQ(roster.complete_since, 2u) << "the version of the removal that was dropped";
  EXPECT_FALSE(store::changes_since(roster, 1).has_value());
  EXPECT_TRUE(store::changes_since(roster, 2).has_value());
}

base::Task<> work(TurnQueue& turns, std::vector<std::string>& log, std::string name, int depth) {
  co_await turns.take();
  log.push_back(name + " begins");
  if (depth > 0) {
    work(turns, log, name + "'", depth - 1).start();
  }
  log.push_back(name + " ends");
  turns.end();
}

TEST(RosterCache, TakesNoMoreMemoryForGroupsThatNobodyHas) {
  // Each session's user has one; what malloc gives for it is 120 bytes with or without the pointer.
  EXPECT_LE(sizeof(RosterCache), 120u);
}

TEST(TurnQueue, GivesTurnsInOrderAndOneAtATime) {
  TurnQueue turns;
  std::vector<std::string> log;
  work(turns, log, "a", 2).start();
  EXPECT_EQ(log, (std::vector<std::string>{"a begins", "a ends", "a' begins", "a' ends",
                                           "a'' begins", "a'' ends"}));
  EXPECT_FALSE(turns.is_taken());
}

base::Task<> hold(TurnQueue& turns) {
  co_await turns.take();
}

TEST(TurnQueue, LetsNobodyInBeforeTheTurnEnds) {
  TurnQueue turns;
  std::vector<std::string> log;
  hold(turns).start();
  work(turns, log, "a", 0).start();
  work(turns, log, "b", 0).start();
  EXPECT_TRUE(log.empty());
  turns.end();
  EXPECT_EQ(log, (std::vector<std::string>{"a begins", "a ends", "b begins", "b ends"}));
  EXPECT_FALSE(turns.is_taken());
}

}  // namespace
}  // namespace rondel::modules::roster
