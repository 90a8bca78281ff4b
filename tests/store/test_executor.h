// A shard's executor for tests: completions run on the thread that asks for it.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "base/executor.h"
#include "base/task.h"

namespace rondel::store::test {

/// Thread: post_completion on any, the rest on one. Must outlive the storage's close_blocking().
class TestExecutor final : public base::Executor {
 public:
  void post_completion(std::unique_ptr<base::Completion> completion) override {
    if (queue_.push(std::move(completion))) {
      queue_.notify();
    }
  }

  /// Runs what is there; how many it were.
  std::size_t run_ready() {
    return queue_.take_all(
        [](std::unique_ptr<base::MpscNode> node) { static_cast<base::Completion&>(*node).run(); });
  }

  template <class Predicate>
  void run_until_blocking(Predicate is_done) {
    while (!is_done()) {
      queue_.wait_blocking();
      run_ready();
    }
  }

  /// Starts the task, and runs completions until it ends.
  template <class T>
  T get_blocking(base::Task<T> task) {
    std::optional<T> value;
    collect(std::move(task), value).start();
    run_until_blocking([&] { return value.has_value(); });
    return *std::move(value);
  }

  /// Starts the task now; its value comes into `value` when completions run.
  template <class T>
  static void start(base::Task<T> task, std::optional<T>& value) {
    collect(std::move(task), value).start();
  }

 private:
  template <class T>
  static base::Task<void> collect(base::Task<T> task, std::optional<T>& value) {
    value.emplace(co_await task);
  }

  base::MpscQueue queue_;
};

}  // namespace rondel::store::test
