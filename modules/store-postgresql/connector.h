// A thread that connects for the workers, so that none of them waits for a server that is away.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "modules/store-postgresql/connection.h"

namespace rondel::modules::store_postgresql {

/// Keeps a connection ready for each worker that has lost its own; backs off while there is none.
///
/// Thread: start and stop on main; take() on the workers' threads, never on a shard (it locks).
class Connector {
 public:
  Connector(const PostgresOptions& options, std::size_t workers);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  void start_blocking();
  /// Ends also an attempt that is under way.
  void stop_blocking();

  /// A connection in pipeline mode; null if there is none within `patience`, or an attempt to
  /// make one has failed.
  [[nodiscard]] std::unique_ptr<Connection> take_blocking(std::size_t worker,
                                                          std::chrono::milliseconds patience);
  /// Connects for all workers; what isn't there within `patience` comes later. Thread: main.
  void fill_blocking(std::chrono::milliseconds patience);
  /// Why there is none. Thread: any.
  [[nodiscard]] StoreError reason() const;
  [[nodiscard]] bool is_away() const { return is_away_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t connections() const {
    return connections_.load(std::memory_order_relaxed);
  }

 private:
  struct Slot {
    bool is_wanted = false;
    std::unique_ptr<Connection> ready;
  };

  void loop();
  /// One connection for a worker, or the reason why not.
  StoreResult<std::unique_ptr<Connection>> connect_blocking();

  const PostgresOptions& options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Slot> slots_;
  std::uint64_t failures_ = 0;
  std::string reason_ = "there is no connection to PostgreSQL yet";
  std::atomic<bool> is_stopping_{false};
  std::atomic<bool> is_away_{false};
  std::atomic<std::uint64_t> connections_{0};
  std::thread thread_;
};

}  // namespace rondel::modules::store_postgresql
