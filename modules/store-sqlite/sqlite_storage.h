// The storage that a server has by default: one SQLite file.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "modules/store-sqlite/connection.h"
#include "store/storage.h"
#include "store/worker_pool.h"

namespace rondel::modules::store_sqlite {

struct SqliteOptions {
  std::string path;
  Synchronous synchronous = Synchronous::full;
  std::size_t readers = 2;      ///< Threads; at least 1.
  int busy_timeout_ms = 5000;   ///< How long another program may hold the file.
  std::size_t batch_max = 512;  ///< Requests in one transaction.
};

/// Holds all kinds of data. WAL mode; one writer with group commit, several readers.
///
/// Source: DESIGN §7. Thread: as Storage. Limits: never on a network file system.
class SqliteStorage final : public store::Storage {
 public:
  explicit SqliteStorage(SqliteOptions options);
  ~SqliteStorage() override;

  store::KindSet kinds(std::string_view /*host*/) const override { return store::KindSet::all(); }
  StoreResult<void> open_blocking() override;
  std::unique_ptr<store::StorageSession> attach(base::Executor& shard) override;
  void close_blocking() override;
  std::string status() const override;

 private:
  const SqliteOptions options_;
  std::unique_ptr<store::WorkerPool> pool_;
};

}  // namespace rondel::modules::store_sqlite
