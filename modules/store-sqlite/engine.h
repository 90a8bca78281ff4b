// One worker of the SQLite storage: the writer with its group commit, or a reader.
#pragma once

#include <memory>

#include "modules/store-sqlite/connection.h"
#include "modules/store-sqlite/key_values.h"
#include "modules/store-sqlite/offline.h"
#include "modules/store-sqlite/rosters.h"
#include "modules/store-sqlite/users.h"
#include "store/blocking.h"

namespace rondel::modules::store_sqlite {

/// A reader: answers each request for itself. Thread: its own.
class Engine : public store::BlockingStore {
 public:
  explicit Engine(std::unique_ptr<Connection> connection);

  store::BlockingUsers* users() override { return &users_; }
  store::BlockingRosters* rosters() override { return &rosters_; }
  store::BlockingOffline* offline() override { return &offline_; }
  store::BlockingKeyValues* key_values() override { return &key_values_; }
  StoreResult<void> erase_user(const store::UserKey& user) override;
  StoreResult<std::vector<store::UserKey>> owners(const std::string& host,
                                                  const std::string& after_local,
                                                  std::size_t limit) override;

 protected:
  Connection& connection() { return *connection_; }

 private:
  std::unique_ptr<Connection> connection_;
  Users users_;
  Rosters rosters_;
  Offline offline_;
  KeyValues key_values_;
};

/// The writer: a batch is one transaction, so that one sync to the disk answers all of it.
///
/// Each request has a savepoint of its own: one that fails takes nothing of the others along.
/// If the transaction fails as a whole, all its requests are answered unavailable.
class WriterEngine final : public Engine {
 public:
  using Engine::Engine;
  ~WriterEngine() override;

  void process(store::WorkBatch& batch) override;

 private:
  using Iterator = store::WorkBatch::iterator;

  /// Performs [first, last) up to and with a request at which SQLite gave the transaction up.
  Iterator process_transaction(Iterator first, Iterator last);
  void perform(store::WorkRequest& request);
};

}  // namespace rondel::modules::store_sqlite
