// A configured storage, and a shard's end of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/executor.h"
#include "store/group_store.h"
#include "store/key_value_store.h"
#include "store/offline_store.h"
#include "store/roster_store.h"
#include "store/user_data.h"
#include "store/user_store.h"

namespace rondel::store {

/// One shard's way into a storage; a face that the storage doesn't hold is null.
///
/// What one shard hands in for one user happens in that order: a read sees every earlier write,
/// and is answered after it is safe. A write that was answered is durable.
/// Thread: the shard that attached it. Owner: the shard. Limits: a bounded number of operations
/// under way; more are answered unavailable at once.
class StorageSession {
 public:
  virtual ~StorageSession() = default;

  [[nodiscard]] virtual UserStore* users() { return nullptr; }
  [[nodiscard]] virtual RosterStore* rosters() { return nullptr; }
  [[nodiscard]] virtual OfflineStore* offline() { return nullptr; }
  [[nodiscard]] virtual KeyValueStore* key_values() { return nullptr; }
  [[nodiscard]] virtual GroupStore* groups() { return nullptr; }

  /// Removes all that this storage holds of the user, in one transaction; no error if nothing.
  ///
  /// For data whose account lives in another storage; UserStore::remove does it for its own.
  virtual StoreTask<void> erase_user(UserKey user) = 0;

  // For moving data to another storage; unsupported where the engine can't be read out or filled.

  /// Users of whom this storage holds anything, as UserStore::list gives accounts.
  virtual StoreTask<std::vector<UserKey>> owners(std::string host,
                                                 std::string after_local,
                                                 std::size_t limit);
  /// What this storage holds of a user, or of a host (no local part); empty if nothing.
  virtual StoreTask<UserData> read_all(UserKey user);
  /// Replaces all that it holds of the user, in one transaction. Errors: conflict, if another
  /// account has a binding of this one.
  virtual StoreTask<void> write_all(UserData data);
};

/// Kinds of data, of one host.
struct KindSet {
  bool users = false;
  bool rosters = false;
  bool offline = false;
  bool values = false;
  bool groups = false;

  /// Of a storage of our own; groups are somebody else's to keep.
  [[nodiscard]] static constexpr KindSet all() { return {true, true, true, true, false}; }
  friend bool operator==(const KindSet&, const KindSet&) = default;
};

/// One for each configured storage, shared by all shards.
///
/// The order at the end: shards begin nothing new; close_blocking() carries out what was handed in
/// and joins the workers; each shard runs its completions once more, which resumes every waiting
/// coroutine; then sessions go, then the storage. Operations after close are answered unavailable.
class Storage {
 public:
  virtual ~Storage() = default;

  /// What this storage can keep of the host: its sessions have the faces of these kinds.
  ///
  /// Known before it is opened, and never changes. `host` is normalised. Thread: any.
  [[nodiscard]] virtual KindSet kinds(std::string_view host) const = 0;
  /// Thread: main, before any attach. Errors: unavailable or invalid, with a sentence for the
  /// operator that names the place.
  [[nodiscard]] virtual StoreResult<void> open_blocking() = 0;
  /// Thread: any, while open. `shard` outlives close_blocking().
  [[nodiscard]] virtual std::unique_ptr<StorageSession> attach(base::Executor& shard) = 0;
  /// Thread: main. May be called twice.
  virtual void close_blocking() = 0;
  /// One line for people. Thread: any.
  [[nodiscard]] virtual std::string status() const = 0;
};

}  // namespace rondel::store
