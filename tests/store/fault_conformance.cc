// What a storage that fails in the middle of an operation leaves behind.
#include <algorithm>
#include <chrono>
#include <functional>
#include <gmock/gmock.h>
#include <thread>

#include "tests/store/storage_conformance.h"

namespace rondel::store::test {
namespace {

const UserKey kJuliet{"juliet", "example.org"};
const UserKey kRomeo{"romeo", "example.org"};
const Binding kPrincipal{BindingKind::principal, "juliet@EXAMPLE.ORG"};
const Timestamp kStamp{std::chrono::milliseconds(1'700'000'000'123)};

/// One operation, whatever it gives.
struct Operation {
  const char* name;
  std::function<std::string(StorageSession&, TestExecutor&)> run;
};

template <class T>
std::string ended(TestExecutor& shard, StoreTask<T> task) {
  return outcome_of(shard.get_blocking(std::move(task)));
}

std::vector<Operation> writes() {
  using Session = StorageSession;
  using Shard = TestExecutor;
  return {
      {"create",
       [](Session& s, Shard& e) {
         return ended(e, s.users()->create(kRomeo, sample_credentials("r")));
       }},
      {"create_many",
       [](Session& s, Shard& e) {
         std::vector<NewUser> users;
         for (int i = 0; i < 20; ++i) {
           users.emplace_back(UserKey("new" + std::to_string(i), "example.org"),
                              sample_credentials("n"));
         }
         return ended(e, s.users()->create_many(std::move(users)));
       }},
      {"set_credentials",
       [](Session& s, Shard& e) {
         return ended(e, s.users()->set_credentials(kJuliet, sample_credentials("fresh")));
       }},
      {"set_state",
       [](Session& s, Shard& e) {
         return ended(e, s.users()->set_state(kJuliet, AccountState::disabled));
       }},
      {"bind",
       [](Session& s, Shard& e) {
         return ended(e, s.users()->bind(kJuliet, {BindingKind::principal, "second@R"}));
       }},
      {"unbind",
       [](Session& s, Shard& e) { return ended(e, s.users()->unbind(kJuliet, kPrincipal)); }},
      {"rosters.change",
       [](Session& s, Shard& e) {
         std::vector<RosterChange> changes{RosterChange::remove("a@x"),
                                           RosterChange::put(RosterItem("b@x", "B", {"g", "h"})),
                                           RosterChange::put(RosterItem("c@x"))};
         return ended(e, s.rosters()->change(kJuliet, std::move(changes)));
       }},
      {"offline.add",
       [](Session& s, Shard& e) {
         return ended(e, s.offline()->add(kJuliet, "<two/>", kStamp, 10));
       }},
      {"offline.remove_through",
       [](Session& s, Shard& e) {
         return ended(e, s.offline()->remove_through(kJuliet, 1ULL << 60));
       }},
      {"key_values.put",
       [](Session& s, Shard& e) { return ended(e, s.key_values()->put(kJuliet, "s", "k", "w")); }},
      {"key_values.remove",
       [](Session& s, Shard& e) { return ended(e, s.key_values()->remove(kJuliet, "s", "k")); }},
      {"remove", [](Session& s, Shard& e) { return ended(e, s.users()->remove(kJuliet)); }},
      {"erase_user", [](Session& s, Shard& e) { return ended(e, s.erase_user(kJuliet)); }},
  };
}

class Middle {
 public:
  Middle(StorageUnderTest& under_test, StorageSession& session, TestExecutor& shard)
      : under_test_(under_test), session_(session), shard_(shard) {}

  /// The state that every operation starts from.
  void reset() {
    expect_ok(session_.erase_user(kRomeo));
    for (int i = 0; i < 20; ++i) {
      expect_ok(session_.erase_user({"new" + std::to_string(i), "example.org"}));
    }
    expect_ok(session_.erase_user(kJuliet));
    expect_ok(session_.users()->create(kJuliet, sample_credentials("j")));
    expect_ok(session_.users()->bind(kJuliet, kPrincipal));
    expect_ok(session_.rosters()->change(kJuliet, {RosterChange::put(RosterItem("a@x", "A"))}));
    expect_ok(session_.offline()->add(kJuliet, "<one/>", kStamp, 10));
    expect_ok(session_.key_values()->put(kJuliet, "s", "k", "v"));
  }

  /// All that an operation may change, without what differs from run to run (times, versions).
  std::string state() {
    std::string text;
    for (const UserKey& user : {kJuliet, kRomeo}) {
      UserData data = shard_.get_blocking(session_.read_all(user)).value();
      text += to_text(user) + ":";
      if (data.account) {
        text += data.account->account.state == AccountState::active ? " active" : " disabled";
        for (const ScramCredential& one : data.account->credentials.scram) {
          text += " " + one.salt;
        }
        for (const Binding& one : data.account->credentials.bindings) {
          text += " " + one.value;
        }
      }
      for (const RosterItem& one : data.roster.items) {
        text += " item " + one.jid + " in " + std::to_string(one.groups.size());
      }
      for (const RosterRemoval& one : data.roster.removals) {
        text += " removed " + one.jid;
      }
      for (const OfflineStanza& one : data.offline) {
        text += " " + one.stanza;
      }
      for (const KeyValue& one : data.values) {
        text += " " + one.key + "=" + one.value;
      }
      text += "\n";
    }
    return text +
           std::to_string(shard_.get_blocking(session_.users()->count("example.org")).value());
  }

  /// Waits until the storage has found back.
  void heal() {
    under_test_.heal();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (;;) {
      // Each worker of a storage finds back for itself.
      const std::string outcomes[] = {
          outcome_of(shard_.get_blocking(session_.users()->lookup(kRomeo))),
          outcome_of(shard_.get_blocking(session_.users()->lookup(kJuliet))),
          outcome_of(shard_.get_blocking(session_.users()->count("example.org"))),
          outcome_of(shard_.get_blocking(
              session_.key_values()->remove({"", "example.org"}, "s", "none")))};
      if (std::ranges::find(outcomes, "unavailable") == std::end(outcomes)) {
        return;
      }
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

 private:
  template <class T>
  void expect_ok(StoreTask<T> task) {
    ASSERT_EQ(ended(shard_, std::move(task)), "ok");
  }

  StorageUnderTest& under_test_;
  StorageSession& session_;
  TestExecutor& shard_;
};

TEST_P(FaultConformance, AWriteThatFailsInTheMiddleIsDoneWholeOrNotAtAll) {
  constexpr std::size_t kStepsMax = 20'000;
  Middle middle(*under_test_, *session_, shard_);
  for (const Operation& operation : writes()) {
    middle.reset();
    const std::string before = middle.state();
    ASSERT_EQ(operation.run(*session_, shard_), "ok") << operation.name;
    const std::string after = middle.state();
    ASSERT_NE(before, after) << operation.name;
    std::size_t failures = 0;
    for (std::size_t steps = 0; steps < kStepsMax; steps += 1 + steps / 6) {
      middle.reset();
      under_test_->break_after(steps);
      const std::string outcome = operation.run(*session_, shard_);
      middle.heal();
      const std::string now = middle.state();
      if (outcome == "ok") {
        EXPECT_EQ(now, after) << operation.name << " after " << steps << " steps";
        break;
      }
      ++failures;
      EXPECT_EQ(outcome, "unavailable") << operation.name << " after " << steps << " steps";
      // Whether a commit whose answer was lost has happened can't be known.
      EXPECT_TRUE(now == before || now == after)
          << operation.name << " after " << steps << " steps:\n"
          << now;
    }
    EXPECT_GT(failures, 0) << operation.name << " was never broken";
    EXPECT_LT(failures, kStepsMax) << operation.name << " never got through";
  }
}

TEST_P(FaultConformance, AReadThatFailsInTheMiddleIsUnavailableNeverLess) {
  constexpr std::size_t kStepsMax = 20'000;
  Middle middle(*under_test_, *session_, shard_);
  middle.reset();
  const std::vector<Operation> reads{
      {"lookup",
       [](StorageSession& s, TestExecutor& e) { return ended(e, s.users()->lookup(kJuliet)); }},
      {"credentials",
       [](StorageSession& s, TestExecutor& e) {
         auto found = e.get_blocking(s.users()->credentials(kJuliet));
         return found && found->credentials.scram.size() + found->credentials.bindings.size() != 4
                    ? std::string("a part is missing")
                    : outcome_of(found);
       }},
      {"find_bound",
       [](StorageSession& s, TestExecutor& e) {
         auto found = e.get_blocking(s.users()->find_bound("example.org", kPrincipal));
         return found && found->empty() ? std::string("nobody") : outcome_of(found);
       }},
      {"load",
       [](StorageSession& s, TestExecutor& e) {
         auto roster = e.get_blocking(s.rosters()->load(kJuliet));
         return roster && roster->items.empty() ? std::string("empty") : outcome_of(roster);
       }},
      {"fetch",
       [](StorageSession& s, TestExecutor& e) {
         auto page = e.get_blocking(s.offline()->fetch(kJuliet, 0, 9));
         return page && page->empty() ? std::string("empty") : outcome_of(page);
       }},
      {"get", [](StorageSession& s,
                 TestExecutor& e) { return ended(e, s.key_values()->get(kJuliet, "s", "k")); }},
  };
  for (const Operation& operation : reads) {
    std::size_t failures = 0;
    for (std::size_t steps = 0; steps < kStepsMax; steps += 1 + steps / 6) {
      under_test_->break_after(steps);
      const std::string outcome = operation.run(*session_, shard_);
      middle.heal();
      if (outcome == "ok") {
        break;
      }
      ++failures;
      EXPECT_EQ(outcome, "unavailable") << operation.name << " after " << steps << " steps";
    }
    EXPECT_LT(failures, kStepsMax) << operation.name << " never got through";
  }
}

}  // namespace
}  // namespace rondel::store::test
