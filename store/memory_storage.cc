#include "store/memory_storage.h"

#include <utility>
#include <vector>

#include "store/memory_store.h"
#include "store/worker_session.h"

namespace rondel::store {
namespace {

std::vector<std::unique_ptr<Worker>> one_worker(MemoryStorage::Fault fault) {
  std::vector<std::unique_ptr<Worker>> workers;
  workers.push_back(std::make_unique<MemoryStore>(std::move(fault)));
  return workers;
}

}  // namespace

MemoryStorage::MemoryStorage() : MemoryStorage(Options{}) {
}

MemoryStorage::MemoryStorage(Options options)
    : pool_(std::make_unique<WorkerPool>(
          one_worker(std::move(options.fault)),
          std::vector<std::unique_ptr<Worker>>{},
          WorkerPool::Options{"memory", WorkerPool::Options{}.batch_max, options.has_thread})) {
}

MemoryStorage::~MemoryStorage() {
  close_blocking();
}

StoreResult<void> MemoryStorage::open_blocking() {
  pool_->start_blocking();
  return {};
}

std::unique_ptr<StorageSession> MemoryStorage::attach(base::Executor& shard) {
  return std::make_unique<WorkerSession>(*pool_, shard);
}

void MemoryStorage::close_blocking() {
  pool_->stop_blocking();
}

std::string MemoryStorage::status() const {
  return "in memory, " + std::to_string(pool_->counters().requests) + " operations";
}

}  // namespace rondel::store
