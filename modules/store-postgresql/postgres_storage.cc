#include "modules/store-postgresql/postgres_storage.h"

#include <atomic>
#include <fmt/format.h>
#include <utility>
#include <vector>

#include "base/check.h"
#include "modules/store-postgresql/connector.h"
#include "modules/store-postgresql/engine.h"
#include "modules/store-postgresql/schema.h"
#include "store/worker_session.h"

namespace rondel::modules::store_postgresql {

PostgresStorage::PostgresStorage(PostgresOptions options) : options_(std::move(options)) {
  RONDEL_CHECK(options_.readers > 0 && options_.batch_max > 0);
}

PostgresStorage::~PostgresStorage() {
  close_blocking();
}

StoreResult<void> PostgresStorage::probe_blocking() {
  const std::atomic<bool> is_stopping{false};
  RONDEL_TRY(auto connection, Connection::open_blocking(options_, is_stopping));
  return migrate_blocking(*connection, options_.schema);
}

StoreResult<void> PostgresStorage::open_blocking() {
  RONDEL_CHECK(!pool_);
  RONDEL_TRY_VOID(probe_blocking());
  connector_ = std::make_unique<Connector>(options_, 1 + options_.readers);
  std::vector<std::unique_ptr<store::Worker>> writers;
  writers.push_back(std::make_unique<WriterEngine>(*connector_, 0));
  std::vector<std::unique_ptr<store::Worker>> readers;
  for (std::size_t i = 0; i < options_.readers; ++i) {
    readers.push_back(std::make_unique<ReaderEngine>(*connector_, 1 + i));
  }
  pool_ = std::make_unique<store::WorkerPool>(
      std::move(writers), std::move(readers),
      store::WorkerPool::Options{"postgres", options_.batch_max, true});
  connector_->start_blocking();
  connector_->fill_blocking(options_.connect_timeout);
  pool_->start_blocking();
  return {};
}

std::unique_ptr<store::StorageSession> PostgresStorage::attach(base::Executor& shard) {
  RONDEL_CHECK(pool_ != nullptr);
  return std::make_unique<store::WorkerSession>(*pool_, shard);
}

void PostgresStorage::close_blocking() {
  if (pool_) {
    // The workers carry out what was handed in, for which they may need a connection.
    pool_->stop_blocking();
    connector_->stop_blocking();
  }
}

std::string PostgresStorage::status() const {
  if (!pool_ || !pool_->is_open()) {
    return fmt::format("PostgreSQL schema {}, closed", options_.schema);
  }
  const store::WorkerPool::Counters counters = pool_->counters();
  std::string text =
      fmt::format("PostgreSQL schema {}, {} operations in {} batches, {} connections made",
                  options_.schema, counters.requests, counters.batches, connector_->connections());
  if (connector_->is_away()) {
    text += fmt::format("; away: {}", connector_->reason().message);
  }
  return text;
}

}  // namespace rondel::modules::store_postgresql
