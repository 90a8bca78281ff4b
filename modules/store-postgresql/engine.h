// One worker of the PostgreSQL storage: the writer with its group commit, or a reader.
#pragma once

#include <chrono>
#include <memory>

#include "modules/store-postgresql/connector.h"
#include "modules/store-postgresql/key_values.h"
#include "modules/store-postgresql/offline.h"
#include "modules/store-postgresql/rosters.h"
#include "modules/store-postgresql/users.h"
#include "store/blocking.h"

namespace rondel::modules::store_postgresql {

/// What both have in common: a connection that may be lost and come back.
class Engine : public store::BlockingStore {
 public:
  Engine(Connector& connector, std::size_t number);

  store::BlockingUsers* users() override { return &users_; }
  store::BlockingRosters* rosters() override { return &rosters_; }
  store::BlockingOffline* offline() override { return &offline_; }
  store::BlockingKeyValues* key_values() override { return &key_values_; }
  StoreResult<void> erase_user(const store::UserKey& user) override;
  StoreResult<std::vector<store::UserKey>> owners(const std::string& host,
                                                  const std::string& after_local,
                                                  std::size_t limit) override;

 protected:
  /// Has a connection that looks alive. One that has just been lost is waited for a moment, as it
  /// is when PostgreSQL was started anew meanwhile; else the answer comes at once.
  [[nodiscard]] bool ensure_connection();
  void refuse(store::WorkRequest& request);
  Connection& connection() { return *connection_; }

 private:
  Connector& connector_;
  const std::size_t number_;
  std::unique_ptr<Connection> connection_;
  bool may_wait_ = true;  ///< Once for each connection that is lost.
  Users users_;
  Rosters rosters_;
  Offline offline_;
  KeyValues key_values_;
};

/// Requests that come together are asked together: the statements of all of them go out at once.
///
/// If one of those fails, each is answered for itself; one whose connection was lost is tried once
/// more.
class ReaderEngine final : public Engine {
 public:
  using Engine::Engine;
  void process(store::WorkBatch& batch) override;

 private:
  /// Performs each request twice: first it only sends its statement, then it gets the answer. False
  /// if that didn't do.
  bool answer_together(store::WorkBatch& batch);
};

/// A batch is one transaction, so that one sync to the disk answers all of it.
///
/// Each request has a savepoint of its own: one that fails takes nothing of the others along.
/// A transaction that was lost before its commit was sent is tried once more; one that was lost
/// while it was committed is answered unavailable, and may or may not be there.
class WriterEngine final : public Engine {
 public:
  using Engine::Engine;
  void process(store::WorkBatch& batch) override;

 private:
  enum class Outcome : std::uint8_t { done, failed, lost_before_commit };

  Outcome process_transaction(store::WorkBatch& batch);
  void perform(store::WorkRequest& request);
};

}  // namespace rondel::modules::store_postgresql
