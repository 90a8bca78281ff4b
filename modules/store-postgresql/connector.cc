#include "modules/store-postgresql/connector.h"

#include <algorithm>
#include <csignal>
#include <pthread.h>
#include <utility>

#include "base/random.h"
#include "modules/store-postgresql/schema.h"

namespace rondel::modules::store_postgresql {

using store::Failure;

Connector::Connector(const PostgresOptions& options, std::size_t workers)
    : options_(options), slots_(workers) {
}

Connector::~Connector() {
  stop_blocking();
}

void Connector::start_blocking() {
  // Signals for the process go to main; those of faults stay open.
  sigset_t mask;
  sigset_t before;
  sigfillset(&mask);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
    sigdelset(&mask, fault);
  }
  pthread_sigmask(SIG_BLOCK, &mask, &before);
  thread_ = std::thread([this] { loop(); });
  pthread_setname_np(thread_.native_handle(), "postgres-c");
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Connector::stop_blocking() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_.store(true);
  }
  changed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

std::unique_ptr<Connection> Connector::take_blocking(std::size_t worker,
                                                     std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  Slot& slot = slots_[worker];
  if (!slot.ready && !slot.is_wanted) {
    slot.is_wanted = true;
    changed_.notify_all();
  }
  const std::uint64_t failures = failures_;
  changed_.wait_for(lock, patience, [&] {
    return slot.ready != nullptr || failures_ != failures || is_stopping_.load();
  });
  return std::move(slot.ready);
}

void Connector::fill_blocking(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  for (Slot& slot : slots_) {
    slot.is_wanted = true;
  }
  changed_.notify_all();
  changed_.wait_for(lock, patience, [this] {
    return std::ranges::all_of(slots_, [](const Slot& slot) { return slot.ready != nullptr; });
  });
}

StoreError Connector::reason() const {
  const std::lock_guard lock(mutex_);
  return StoreError(Failure::unavailable, reason_);
}

StoreResult<std::unique_ptr<Connection>> Connector::connect_blocking() {
  RONDEL_TRY(auto connection, Connection::open_blocking(options_, is_stopping_));
  // It may be another database than before: an empty one, or an older copy.
  RONDEL_TRY_VOID(migrate_blocking(*connection, options_.schema));
  RONDEL_TRY_VOID(connection->enter_pipeline_blocking());
  return connection;
}

void Connector::loop() {
  std::chrono::milliseconds wait = options_.retry_first;
  std::unique_lock lock(mutex_);
  while (!is_stopping_.load()) {
    const auto wanted = std::ranges::find_if(slots_, &Slot::is_wanted);
    if (wanted == slots_.end()) {
      changed_.wait(lock);
      continue;
    }
    lock.unlock();
    auto connection = connect_blocking();
    lock.lock();
    if (connection) {
      wanted->ready = std::move(*connection);
      wanted->is_wanted = false;
      wait = options_.retry_first;
      is_away_.store(false, std::memory_order_relaxed);
      connections_.fetch_add(1, std::memory_order_relaxed);
      changed_.notify_all();
      continue;
    }
    reason_ = connection.error().message;
    ++failures_;
    is_away_.store(true, std::memory_order_relaxed);
    changed_.notify_all();
    // Up to a half longer, so that servers of a cluster don't come back all at once.
    const auto more = std::chrono::milliseconds(base::random_u64() %
                                                static_cast<std::uint64_t>(wait.count() / 2 + 1));
    changed_.wait_for(lock, wait + more, [this] { return is_stopping_.load(); });
    wait = std::min(wait * 2, options_.retry_max);
  }
}

}  // namespace rondel::modules::store_postgresql
