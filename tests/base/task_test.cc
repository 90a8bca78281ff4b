#include "base/task.h"

#include <coroutine>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace rondel::base {
namespace {

// What a storage engine is to a task: something that answers later.
struct Later {
  std::coroutine_handle<> waiting;
  int answer = 0;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) noexcept { waiting = handle; }
  int await_resume() const noexcept { return answer; }
};

Task<int> plus_one(Later& later) {
  co_return 1 + co_await later;
}
Task<std::unique_ptr<std::string>> as_text(Later& later) {
  const int number = co_await plus_one(later);
  co_return std::make_unique<std::string>(std::to_string(number));
}
Task<void> store(Later& later, std::string& out) {
  auto text = co_await as_text(later);
  out = *text;
}

TEST(Task, DoesNothingUntilItIsStarted) {
  bool has_run = false;
  {
    const auto flow = [](bool& flag) -> Task<void> {
      flag = true;
      co_return;
    };
    Task<void> task = flow(has_run);
  }
  EXPECT_FALSE(has_run);
}

TEST(Task, WaitsAndResumesThroughNestedTasks) {
  Later later;
  std::string out;
  store(later, out).start();
  ASSERT_TRUE(later.waiting);
  EXPECT_EQ(out, "");
  later.answer = 41;
  later.waiting.resume();
  EXPECT_EQ(out, "42");
}

TEST(Task, FreesItselfAtItsEndAndEverythingThatItHeld) {
  auto held = std::make_shared<int>(1);
  Later later;
  const auto flow = [](Later& l, std::shared_ptr<int> keep) -> Task<void> {
    co_await l;
    *keep = 2;
  };
  flow(later, held).start();
  EXPECT_EQ(held.use_count(), 2);
  later.waiting.resume();
  EXPECT_EQ(*held, 2);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Task, DestroyingAWaitingTaskFreesTheWholeChain) {
  auto held = std::make_shared<int>(1);
  Later later;
  const auto inner = [](Later& l, std::shared_ptr<int>) -> Task<int> { co_return co_await l; };
  const auto outer = [&inner](Later& l, std::shared_ptr<int> keep) -> Task<int> {
    co_return co_await inner(l, keep);
  };
  {
    Task<int> task = outer(later, held);
    task.await_suspend(std::noop_coroutine()).resume();
    EXPECT_EQ(held.use_count(), 3);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Task, MovesItsCoroutine) {
  Later later;
  Task<int> first = plus_one(later);
  Task<int> second = std::move(first);
  first = std::move(second);
  first.await_suspend(std::noop_coroutine()).resume();
  later.answer = 1;
  later.waiting.resume();
  EXPECT_EQ(first.await_resume(), 2);
}

TEST(Task, RunsManyStepsOneAfterAnother) {
  const auto number = [](int n) -> Task<int> { co_return n; };
  const auto sum = [&number](int& out) -> Task<void> {
    for (int i = 0; i < 1000; ++i) {
      out += co_await number(i);
    }
  };
  int out = 0;
  sum(out).start();
  EXPECT_EQ(out, 499'500);
}

}  // namespace
}  // namespace rondel::base
