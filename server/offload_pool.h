// Threads for what computes long, such as deriving keys from passwords.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "base/executor.h"
#include "base/mpsc_queue.h"
#include "base/unique_function.h"

namespace rondel::server {

/// A few workers; each shard's work goes to them in turn.
///
/// Limits: kUnderWayMax pieces of work; more are refused. Thread: try_run on any, never waits.
class OffloadPool {
 public:
  static constexpr int kUnderWayMax = 4096;

  explicit OffloadPool(unsigned threads);
  ~OffloadPool();
  OffloadPool(const OffloadPool&) = delete;
  OffloadPool& operator=(const OffloadPool&) = delete;

  /// Runs `work` on a worker, then `done` on the shard behind `executor`. False: refused, nothing
  /// runs.
  [[nodiscard]] bool try_run(base::Executor& executor,
                             base::UniqueFunction<void()> work,
                             base::UniqueFunction<void()> done);
  /// Carries out what was taken and joins. Thread: main.
  void stop_blocking();

 private:
  struct Job;
  struct Worker {
    base::MpscQueue queue;
    std::thread thread;
  };
  void run(Worker& worker);

  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<unsigned> next_{0};
  std::atomic<int> under_way_{0};
};

}  // namespace rondel::server
