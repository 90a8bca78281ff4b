// The storage that keeps everything in PostgreSQL.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "modules/store-postgresql/postgres_options.h"
#include "store/storage.h"
#include "store/worker_pool.h"

namespace rondel::modules::store_postgresql {

class Connector;

/// Holds all kinds of data. One writer with group commit, several readers, and a thread that
/// connects anew.
///
/// While PostgreSQL is away, operations are answered unavailable at once; it is found again without
/// a restart. Thread: as Storage. Limits: one server for a schema at a time.
class PostgresStorage final : public store::Storage {
 public:
  explicit PostgresStorage(PostgresOptions options);
  ~PostgresStorage() override;

  store::KindSet kinds(std::string_view /*host*/) const override { return store::KindSet::all(); }
  StoreResult<void> open_blocking() override;
  std::unique_ptr<store::StorageSession> attach(base::Executor& shard) override;
  void close_blocking() override;
  std::string status() const override;

 private:
  /// The first connection, made on main: a mistake in the configuration ends the start.
  StoreResult<void> probe_blocking();

  const PostgresOptions options_;
  std::unique_ptr<Connector> connector_;
  std::unique_ptr<store::WorkerPool> pool_;
};

}  // namespace rondel::modules::store_postgresql
