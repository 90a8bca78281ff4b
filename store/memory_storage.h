// A storage in memory, for tests and for servers that may forget.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_function.h"
#include "store/storage.h"
#include "store/worker_pool.h"

namespace rondel::store {

/// Keeps everything in memory with the meaning of every other storage.
///
/// Thread: as Storage; without threads, one only. Limits: none of its own on what is stored.
class MemoryStorage final : public Storage {
 public:
  /// Called before each operation with its name ("users.lookup", "offline.add"); what it gives is
  /// the operation's outcome. It may sleep to delay an operation. Thread: the worker.
  using Fault = base::UniqueFunction<std::optional<StoreError>(std::string_view operation)>;

  struct Options {
    /// False: each operation happens where it is started, and its answer comes by the executor;
    /// for one shard, without threads, in an order that a test decides.
    bool has_thread = true;
    Fault fault;
  };

  MemoryStorage();
  explicit MemoryStorage(Options options);
  ~MemoryStorage() override;

  KindSet kinds(std::string_view /*host*/) const override { return KindSet::all(); }
  StoreResult<void> open_blocking() override;
  std::unique_ptr<StorageSession> attach(base::Executor& shard) override;
  void close_blocking() override;
  std::string status() const override;

 private:
  std::unique_ptr<WorkerPool> pool_;
};

}  // namespace rondel::store
