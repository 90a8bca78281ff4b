// Threads for engines that block: shards hand requests in without a lock and get them back.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/unique_function.h"
#include "store/store_result.h"

namespace rondel::store {

class Worker;

/// One operation on its way: performed on a worker's thread, run() on the shard that sent it.
///
/// Thread: one at a time, handed over by the queues. Owner: whoever holds it on its way.
class WorkRequest : public base::Completion {
 public:
  WorkRequest(base::Executor& home, const char* operation) : home_(&home), operation_(operation) {}

  /// Does the work and keeps the outcome, which must not be final before the worker says so.
  virtual void perform(Worker& worker) = 0;
  /// Replaces the outcome, if any, by `error`.
  virtual void refuse(StoreError error) = 0;
  [[nodiscard]] virtual bool has_outcome() const = 0;
  [[nodiscard]] virtual bool has_succeeded() const = 0;
  /// What it is, for messages.
  [[nodiscard]] const char* operation() const { return operation_; }
  [[nodiscard]] base::Executor& home() const { return *home_; }

 private:
  base::Executor* home_;
  const char* operation_;
};

using WorkBatch = std::vector<std::unique_ptr<WorkRequest>>;

/// What one thread of a pool works with, such as a connection to a database.
///
/// Thread: made and destroyed on main, used by one thread in between. Owner: the pool.
class Worker {
 public:
  virtual ~Worker() = default;
  /// Leaves every request of the batch with an outcome that is final (durable, if it succeeded).
  virtual void process(WorkBatch& batch);
};

/// Threads with a queue each: some may write, the others only read.
///
/// Limits: each WorkerPort bounds what its shard has under way, so the queues are bounded by the
/// number of ports. Thread: try_submit on any, all else on main.
class WorkerPool {
 public:
  struct Options {
    std::string name = "store";   ///< Of the threads; at most 12 bytes count.
    std::size_t batch_max = 256;  ///< Requests that a worker gets at once.
    /// False: try_submit performs the request itself and posts it: one shard, for tests.
    bool has_threads = true;
  };
  struct Counters {
    std::uint64_t requests = 0;
    std::uint64_t batches = 0;
  };

  /// At least one writer; without readers the writers read as well.
  WorkerPool(std::vector<std::unique_ptr<Worker>> writers,
             std::vector<std::unique_ptr<Worker>> readers,
             Options options);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void start_blocking();
  /// Refuses new requests, carries out what was handed in, posts it, joins, destroys the workers.
  /// May be called twice.
  void stop_blocking();

  [[nodiscard]] std::size_t writer_count() const { return writer_count_; }
  [[nodiscard]] std::size_t reader_count() const { return lanes_.size() - writer_count_; }
  [[nodiscard]] bool is_open() const { return is_open_.load(std::memory_order_acquire); }
  [[nodiscard]] Counters counters() const;

  /// False, and `request` untouched, if the pool isn't open. Lanes: writers first, then readers.
  /// Requests of one thread for one lane are performed in their order. Never waits.
  [[nodiscard]] bool try_submit(std::size_t lane, std::unique_ptr<WorkRequest>& request);

 private:
  class Lane;

  void process(Worker& worker, WorkBatch& batch);

  const Options options_;
  const std::size_t writer_count_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::atomic<bool> is_open_{false};
  std::atomic<std::uint32_t> submitting_{0};  ///< Threads between their look at is_open_ and push.
  std::atomic<std::uint64_t> requests_{0};
  std::atomic<std::uint64_t> batches_{0};
};

}  // namespace rondel::store
