// Storages that hold the data of one host together, each its kinds.
#pragma once

#include <memory>
#include <vector>

#include "store/storage.h"

namespace rondel::store {

/// The faces of one host on one shard.
///
/// An account that is removed is erased in all of the storages, the one with the account last: if
/// one of them is away the account stays, and the removal can be done again. Where there is no such
/// account, data that was left of it is erased (an account of a directory goes without our doing).
/// Thread: the shard's. Owner: the shard; the sessions must live longer.
class CombinedStorage {
 public:
  /// Which kinds of data a storage may hold.
  struct Part {
    StorageSession* session = nullptr;
    bool may_users = true;
    bool may_rosters = true;
    bool may_offline = true;
    bool may_values = true;
    bool may_groups = true;
  };
  class Parts {
   public:
    void add(const Part& part) { parts_.push_back(part); }

   private:
    friend class CombinedStorage;
    std::vector<Part> parts_;
  };

  /// For each kind the first part that may hold it, and can.
  explicit CombinedStorage(const Parts& parts);
  ~CombinedStorage();

  [[nodiscard]] UserStore* users() const { return own_users_ ? own_users_.get() : users_; }
  [[nodiscard]] RosterStore* rosters() const { return rosters_; }
  [[nodiscard]] OfflineStore* offline() const { return offline_; }
  [[nodiscard]] KeyValueStore* key_values() const { return key_values_; }
  [[nodiscard]] GroupStore* groups() const { return groups_; }

 private:
  UserStore* users_ = nullptr;
  RosterStore* rosters_ = nullptr;
  OfflineStore* offline_ = nullptr;
  KeyValueStore* key_values_ = nullptr;
  GroupStore* groups_ = nullptr;          ///< Read only: nothing of a user could be erased there.
  std::unique_ptr<UserStore> own_users_;  ///< Where there is more than one storage.
};

}  // namespace rondel::store
