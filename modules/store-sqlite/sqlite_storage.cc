#include "modules/store-sqlite/sqlite_storage.h"

#include <fmt/format.h>
#include <utility>
#include <vector>

#include "base/check.h"
#include "modules/store-sqlite/engine.h"
#include "modules/store-sqlite/schema.h"
#include "store/worker_session.h"

namespace rondel::modules::store_sqlite {
namespace {

const char* synchronous_sql(Synchronous synchronous) {
  switch (synchronous) {
    case Synchronous::normal:
      return "PRAGMA synchronous = NORMAL";
    case Synchronous::full:
      return "PRAGMA synchronous = FULL";
    case Synchronous::extra:
      return "PRAGMA synchronous = EXTRA";
  }
  return "";
}

StoreResult<void> prepare_writer_blocking(Connection& connection, Synchronous synchronous) {
  // The versions are looked at first: a file that isn't ours stays as it is.
  RONDEL_TRY_VOID(connection.execute_blocking("PRAGMA foreign_keys = ON"));
  RONDEL_TRY_VOID(migrate_blocking(connection));
  RONDEL_TRY(const std::string mode, connection.query_text_blocking("PRAGMA journal_mode = WAL"));
  if (mode != "wal") {
    return store::fail(store::Failure::unavailable,
                       fmt::format("the database {} can't have a write-ahead log; its folder must "
                                   "be on a local disk",
                                   connection.path()));
  }
  // A large import leaves a large log behind, which this cuts.
  RONDEL_TRY_VOID(connection.query_integer_blocking("PRAGMA journal_size_limit = 67108864"));
  return connection.execute_blocking(synchronous_sql(synchronous));
}

}  // namespace

SqliteStorage::SqliteStorage(SqliteOptions options) : options_(std::move(options)) {
  RONDEL_CHECK(options_.readers > 0 && options_.batch_max > 0);
}

SqliteStorage::~SqliteStorage() {
  close_blocking();
}

StoreResult<void> SqliteStorage::open_blocking() {
  RONDEL_CHECK(!pool_);
  RONDEL_TRY(auto writer, Connection::open_blocking(options_.path, options_.busy_timeout_ms));
  RONDEL_TRY_VOID(prepare_writer_blocking(*writer, options_.synchronous));
  std::vector<std::unique_ptr<store::Worker>> readers;
  for (std::size_t i = 0; i < options_.readers; ++i) {
    RONDEL_TRY(auto reader, Connection::open_blocking(options_.path, options_.busy_timeout_ms));
    RONDEL_TRY_VOID(reader->execute_blocking("PRAGMA query_only = ON"));
    readers.push_back(std::make_unique<Engine>(std::move(reader)));
  }
  std::vector<std::unique_ptr<store::Worker>> writers;
  writers.push_back(std::make_unique<WriterEngine>(std::move(writer)));
  pool_ = std::make_unique<store::WorkerPool>(
      std::move(writers), std::move(readers),
      store::WorkerPool::Options{"sqlite", options_.batch_max, true});
  pool_->start_blocking();
  return {};
}

std::unique_ptr<store::StorageSession> SqliteStorage::attach(base::Executor& shard) {
  RONDEL_CHECK(pool_ != nullptr);
  return std::make_unique<store::WorkerSession>(*pool_, shard);
}

void SqliteStorage::close_blocking() {
  if (pool_) {
    pool_->stop_blocking();
  }
}

std::string SqliteStorage::status() const {
  if (!pool_ || !pool_->is_open()) {
    return fmt::format("SQLite {}, closed", options_.path);
  }
  const store::WorkerPool::Counters counters = pool_->counters();
  return fmt::format("SQLite {}, {} operations in {} batches", options_.path, counters.requests,
                     counters.batches);
}

}  // namespace rondel::modules::store_sqlite
