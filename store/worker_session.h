// The session of every storage whose engine blocks.
#pragma once

#include <memory>

#include "store/blocking.h"
#include "store/storage.h"
#include "store/worker_port.h"

namespace rondel::store {

/// Which faces a storage holds.
struct FaceSet {
  bool users = true;
  bool rosters = true;
  bool offline = true;
  bool key_values = true;
  bool is_writable = true;          ///< See UserStore::is_writable.
  bool compares_passwords = false;  ///< See UserStore::compares_passwords.
};

/// Checks arguments on the shard and sends the rest to a pool whose workers are BlockingStores.
///
/// Thread: one shard. Owner: the shard.
class WorkerSession final : public StorageSession {
 public:
  WorkerSession(WorkerPool& pool,
                base::Executor& shard,
                FaceSet faces = {},
                std::size_t under_way_max = WorkerPort::kUnderWayMax);
  ~WorkerSession() override;

  UserStore* users() override;
  RosterStore* rosters() override;
  OfflineStore* offline() override;
  KeyValueStore* key_values() override;
  StoreTask<void> erase_user(UserKey user) override;
  StoreTask<std::vector<UserKey>> owners(std::string host,
                                         std::string after_local,
                                         std::size_t limit) override;
  StoreTask<UserData> read_all(UserKey user) override;
  StoreTask<void> write_all(UserData data) override;

 private:
  WorkerPort port_;
  std::unique_ptr<UserStore> users_;
  std::unique_ptr<RosterStore> rosters_;
  std::unique_ptr<OfflineStore> offline_;
  std::unique_ptr<KeyValueStore> key_values_;
};

}  // namespace rondel::store
