#include "hooks/plan.h"

#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace rondel::hooks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Verdict nothing(void*, void*) {
  return Verdict::next();
}

void add(Plan& plan, std::string module, Order order = {}, Point point = Point::before_send) {
  plan.add({point, std::move(module), "does something", std::move(order), &nothing});
}

std::vector<std::string> modules_at(const Plan& plan, Point point) {
  std::vector<std::string> modules;
  for (const Registration& hook : plan.at(point)) {
    modules.push_back(hook.module);
  }
  return modules;
}

/// The order of the modules after freezing, or the problem alone.
std::vector<std::string> frozen(Plan plan) {
  if (auto outcome = plan.freeze(); !outcome) {
    return {outcome.error().message};
  }
  return modules_at(plan, Point::before_send);
}

TEST(Plan, RunsBandsInTheirOrderWhateverTheOrderOfRegistration) {
  Plan plan;
  add(plan, "watcher", {.band = Band::observe});
  add(plan, "actor", {.band = Band::normal});
  add(plan, "cleaner", {.band = Band::normalize});
  add(plan, "guard", {.band = Band::security});
  EXPECT_THAT(frozen(plan), ElementsAre("guard", "cleaner", "actor", "watcher"));
}

TEST(Plan, PrintsTheTrafficOfAHookThatDoesNotWantAll) {
  Plan plan;
  add(plan, "all");
  add(plan, "few", {.traffic = {Traffic::message, Traffic::broadcast}});
  const std::string text = plan.to_text();
  EXPECT_THAT(text, HasSubstr("all: does something\n"));
  EXPECT_THAT(text, HasSubstr("few: does something [message, broadcast]\n"));
}

TEST(Traffic, ASetHasWhatItWasGivenAndAllByDefault) {
  constexpr std::array kAll{Traffic::message, Traffic::presence, Traffic::broadcast, Traffic::iq};
  for (const Traffic one : kAll) {
    EXPECT_TRUE(TrafficSet().has(one));
    for (const Traffic other : kAll) {
      EXPECT_EQ(TrafficSet({one}).has(other), one == other);
    }
  }
  EXPECT_TRUE(TrafficSet().is_all());
  EXPECT_FALSE(TrafficSet({Traffic::iq}).is_all());
  EXPECT_TRUE(TrafficSet({kAll[0], kAll[1], kAll[2], kAll[3]}).is_all());
}

TEST(Plan, KeepsTheOrderOfRegistrationWithinABand) {
  Plan plan;
  for (const char* module : {"c", "a", "b"}) {
    add(plan, module);
  }
  EXPECT_THAT(frozen(plan), ElementsAre("c", "a", "b"));
}

TEST(Plan, PutsAHookBehindTheModuleThatItNames) {
  Plan plan;
  add(plan, "late", {.after = "early"});
  add(plan, "between");
  add(plan, "early");
  EXPECT_THAT(frozen(plan), ElementsAre("between", "early", "late"));
}

TEST(Plan, FollowsAWholeRowOfAfters) {
  Plan plan;
  add(plan, "three", {.after = "two"});
  add(plan, "two", {.after = "one"});
  add(plan, "one");
  EXPECT_THAT(frozen(plan), ElementsAre("one", "two", "three"));
}

TEST(Plan, WaitsForEveryHookOfTheNamedModule) {
  Plan plan;
  add(plan, "early");
  add(plan, "late", {.after = "early"});
  add(plan, "early");
  EXPECT_THAT(frozen(plan), ElementsAre("early", "early", "late"));
}

TEST(Plan, DoesNotMindAnAfterThatNobodyAnswersTo) {
  Plan plan;
  add(plan, "a", {.after = "not-loaded"});
  add(plan, "b");
  EXPECT_THAT(frozen(plan), ElementsAre("a", "b"));
}

TEST(Plan, ReadsAfterWithinOneBandOnly) {
  Plan plan;
  add(plan, "guard", {.band = Band::security, .after = "actor"});
  add(plan, "actor");
  EXPECT_THAT(frozen(plan), ElementsAre("guard", "actor"));
}

TEST(Plan, LetsAModuleNameItselfWithoutACircleForOneHook) {
  Plan plan;
  add(plan, "a", {.after = "a"});
  EXPECT_THAT(frozen(plan), ElementsAre("a"));
}

TEST(Plan, KeepsPointsApart) {
  Plan plan;
  add(plan, "a", {.after = "b"}, Point::before_accept);
  add(plan, "b", {.after = "a"}, Point::after_send);
  ASSERT_TRUE(plan.freeze());
  EXPECT_THAT(modules_at(plan, Point::before_accept), ElementsAre("a"));
  EXPECT_THAT(modules_at(plan, Point::after_send), ElementsAre("b"));
}

TEST(Plan, NamesThePointAndTheModulesOfACircle) {
  for (const bool is_long : {false, true}) {
    Plan plan;
    add(plan, "egg", {.after = is_long ? "feather" : "hen"});
    add(plan, "hen", {.after = "egg"});
    if (is_long) {
      add(plan, "feather", {.after = "hen"});
    }
    const auto outcome = plan.freeze();
    ASSERT_FALSE(outcome);
    EXPECT_THAT(outcome.error().message, HasSubstr("before-send"));
    EXPECT_THAT(outcome.error().message, HasSubstr("circle"));
    EXPECT_THAT(outcome.error().message, HasSubstr("egg"));
    EXPECT_THAT(outcome.error().message, HasSubstr(is_long ? "feather" : "hen"));
  }
}

TEST(Plan, PrintsEveryPointWithWhatStandsOnIt) {
  Plan plan;
  plan.add({Point::before_accept, "acl", "address lists", {.band = Band::security}, &nothing});
  plan.add({Point::before_send, "b", "second", {.after = "a"}, &nothing});
  plan.add({Point::before_send, "a", "first", {}, &nothing});
  ASSERT_TRUE(plan.freeze());
  EXPECT_EQ(plan.to_text(),
            "before-accept\n"
            "  security   acl: address lists\n"
            "after-accept\n"
            "  (nothing)\n"
            "layer-accept\n"
            "  (nothing)\n"
            "before-interface\n"
            "  (nothing)\n"
            "after-interface\n"
            "  (nothing)\n"
            "before-process\n"
            "  (nothing)\n"
            "after-process\n"
            "  (nothing)\n"
            "before-send\n"
            "  normal     a: first\n"
            "  normal     b: second (after a)\n"
            "after-send\n"
            "  (nothing)\n");
}

}  // namespace
}  // namespace rondel::hooks
