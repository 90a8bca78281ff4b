#include "hooks/chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace rondel::hooks {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

enum class Condition : std::uint8_t { conflict = 3, gone = 7 };

/// What the hooks of a test share.
struct Context {
  std::size_t stopped_at = 99;
  std::vector<int> seen{};
};

/// One hook: notes that it ran, and answers.
struct Hook {
  int number;
  Verdict answer = Verdict::next();

  static Verdict run(void* state, void* context) {
    const auto& self = *static_cast<Hook*>(state);
    static_cast<Context*>(context)->seen.push_back(self.number);
    return self.answer;
  }
};

template <Point kPoint>
Chain<Context, kPoint> chain_of(std::vector<Hook>& hooks) {
  std::vector<Entry> entries;
  for (Hook& hook : hooks) {
    entries.push_back({&Hook::run, &hook});
  }
  return Chain<Context, kPoint>(std::move(entries));
}

TEST(Chain, SaysNextWhenItIsEmpty) {
  const Chain<Context, Point::before_process> chain;
  Context context;
  EXPECT_TRUE(chain.empty());
  EXPECT_TRUE(chain.run(context).is_next());
  EXPECT_TRUE(chain.run_from(context, 0).is_next());
  EXPECT_THAT(context.seen, IsEmpty());
}

TEST(Chain, RunsEveryHookInOrderWhileAllSayNext) {
  std::vector<Hook> hooks{{1}, {2}, {3}};
  const auto chain = chain_of<Point::before_process>(hooks);
  Context context;
  EXPECT_EQ(chain.size(), 3U);
  EXPECT_TRUE(chain.run(context).is_next());
  EXPECT_THAT(context.seen, ElementsAre(1, 2, 3));
  EXPECT_EQ(context.stopped_at, 99U);
}

TEST(TrafficChains, RunTheChainOfTheirKindOnly) {
  std::vector<Hook> hooks{{0}, {1}, {2}, {3}};
  std::array<std::vector<Entry>, kTrafficCount> entries;
  for (std::size_t i = 0; i < kTrafficCount; ++i) {
    if (i != 2) {
      entries[i].push_back({&Hook::run, &hooks[i]});
    }
  }
  const TrafficChains<Context, Point::before_process> chains(std::move(entries));
  Context context;
  for (const Traffic traffic : {Traffic::iq, Traffic::message, Traffic::broadcast}) {
    EXPECT_EQ(chains.of(traffic).empty(), traffic == Traffic::broadcast);
    EXPECT_TRUE(chains.of(traffic).run(context).is_next());
  }
  EXPECT_THAT(context.seen, ElementsAre(3, 0));
}

TEST(Chain, StopsAtTheFirstOtherAnswerAndSaysWhere) {
  for (const Verdict answer :
       {Verdict::handled(), Verdict::suspend(), Verdict::reject(Condition::gone)}) {
    std::vector<Hook> hooks{{1}, {2, answer}, {3}};
    const auto chain = chain_of<Point::before_process>(hooks);
    Context context;
    EXPECT_EQ(chain.run(context), answer);
    EXPECT_THAT(context.seen, ElementsAre(1, 2));
    EXPECT_EQ(context.stopped_at, 1U);
  }
}

TEST(Chain, GoesOnBehindTheHookThatSuspended) {
  std::vector<Hook> hooks{{1}, {2, Verdict::suspend()}, {3}, {4, Verdict::suspend()}, {5}};
  const auto chain = chain_of<Point::before_process>(hooks);
  Context context;
  ASSERT_EQ(chain.run(context), Verdict::suspend());
  ASSERT_EQ(chain.run_from(context, context.stopped_at + 1), Verdict::suspend());
  EXPECT_EQ(context.stopped_at, 3U);
  EXPECT_TRUE(chain.run_from(context, context.stopped_at + 1).is_next());
  EXPECT_THAT(context.seen, ElementsAre(1, 2, 3, 4, 5));
}

TEST(Chain, EndsWithNextBehindItsLastHook) {
  std::vector<Hook> hooks{{1, Verdict::suspend()}};
  const auto chain = chain_of<Point::before_process>(hooks);
  Context context;
  EXPECT_TRUE(chain.run_from(context, 1).is_next());
  EXPECT_THAT(context.seen, IsEmpty());
}

TEST(Verdict, CarriesTheConditionOfAReject) {
  const Verdict verdict = Verdict::reject(Condition::gone);
  EXPECT_EQ(verdict.kind(), Verdict::Kind::reject);
  EXPECT_EQ(verdict.condition<Condition>(), Condition::gone);
  EXPECT_NE(verdict, Verdict::reject(Condition::conflict));
}

/// Runs `answer` at `kPoint`. True: the chain stopped with it.
template <Point kPoint>
bool counts(Verdict answer) {
  std::vector<Hook> hooks{{1, answer}};
  const auto chain = chain_of<kPoint>(hooks);
  Context context;
  return !chain.run(context).is_next();
}

template <Point kPoint>
void check_point(std::string_view name, bool may_handle, bool may_reject, bool may_suspend) {
  SCOPED_TRACE(name);
  EXPECT_EQ(rules(kPoint).name, name);
  const auto check = [](Verdict answer, bool is_allowed) {
    if (is_allowed) {
      EXPECT_TRUE(counts<kPoint>(answer));
    } else {
#ifdef RONDEL_ASSERTIONS
      EXPECT_DEATH(static_cast<void>(counts<kPoint>(answer)), "");
#else
      EXPECT_FALSE(counts<kPoint>(answer));
#endif
    }
  };
  check(Verdict::handled(), may_handle);
  check(Verdict::reject(Condition::gone), may_reject);
  check(Verdict::suspend(), may_suspend);
}

// The table of DESIGN §3: an answer that a point does not have is a defect of the module.
TEST(PointDeathTest, HasTheAnswersOfTheDesign) {
  testing::FLAGS_gtest_death_test_style = "fast";
  check_point<Point::before_accept>("before-accept", false, true, false);
  check_point<Point::after_accept>("after-accept", false, true, false);
  check_point<Point::layer_accept>("layer-accept", false, true, false);
  check_point<Point::before_interface>("before-interface", true, true, false);
  check_point<Point::after_interface>("after-interface", true, true, false);
  check_point<Point::before_process>("before-process", true, true, true);
  check_point<Point::after_process>("after-process", false, false, false);
  check_point<Point::before_send>("before-send", true, false, false);
  check_point<Point::after_send>("after-send", false, false, false);
}

}  // namespace
}  // namespace rondel::hooks
