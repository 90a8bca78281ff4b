// The faces as an engine that blocks implements them, on a worker's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "store/account.h"
#include "store/offline_store.h"
#include "store/roster.h"
#include "store/user_data.h"
#include "store/user_store.h"
#include "store/worker_pool.h"

namespace rondel::store {

/// The operations of UserStore; see there. Arguments are checked already.
class BlockingUsers {
 public:
  virtual ~BlockingUsers() = default;
  virtual StoreResult<Account> lookup(const UserKey& user) = 0;
  virtual StoreResult<AccountWithCredentials> credentials(const UserKey& user) = 0;
  virtual StoreResult<void> create(const UserKey& user, const CredentialSet& credentials) = 0;
  virtual StoreResult<ImportOutcome> create_many(const std::vector<NewUser>& users) = 0;
  virtual StoreResult<void> set_credentials(const UserKey& user,
                                            const CredentialSet& credentials) = 0;
  virtual StoreResult<void> set_state(const UserKey& user, AccountState state) = 0;
  virtual StoreResult<void> remove(const UserKey& user) = 0;
  virtual StoreResult<std::vector<Account>> list(const std::string& host,
                                                 const std::string& after_local,
                                                 std::size_t limit) = 0;
  virtual StoreResult<std::uint64_t> count(const std::string& host) = 0;
  virtual StoreResult<void> bind(const UserKey& user, const Binding& binding) = 0;
  virtual StoreResult<void> unbind(const UserKey& user, const Binding& binding) = 0;
  virtual StoreResult<std::vector<UserKey>> find_bound(const std::string& host,
                                                       const Binding& binding) = 0;
  /// Writes an account as it was in another storage; none of that name is there.
  virtual StoreResult<void> restore(const AccountWithCredentials& account);
  /// Where FaceSet::compares_passwords is set.
  virtual StoreResult<bool> check_password(const UserKey& user, const std::string& password);
};

/// For storages whose accounts are written elsewhere: every operation that writes is unsupported.
///
/// To be used with FaceSet::is_writable false, so that such operations end on the shard.
class ReadOnlyUsers : public BlockingUsers {
 public:
  StoreResult<void> create(const UserKey&, const CredentialSet&) final { return fail_read_only(); }
  StoreResult<ImportOutcome> create_many(const std::vector<NewUser>&) final {
    return fail_read_only();
  }
  StoreResult<void> set_credentials(const UserKey&, const CredentialSet&) final {
    return fail_read_only();
  }
  StoreResult<void> set_state(const UserKey&, AccountState) final { return fail_read_only(); }
  StoreResult<void> remove(const UserKey&) final { return fail_read_only(); }
  StoreResult<void> bind(const UserKey&, const Binding&) final { return fail_read_only(); }
  StoreResult<void> unbind(const UserKey&, const Binding&) final { return fail_read_only(); }
};

/// The operations of RosterStore; see there.
class BlockingRosters {
 public:
  virtual ~BlockingRosters() = default;
  virtual StoreResult<Roster> load(const UserKey& user) = 0;
  /// Groups are normalised already.
  virtual StoreResult<std::uint64_t> change(const UserKey& user,
                                            const std::vector<RosterChange>& changes) = 0;
  /// Writes a roster as it was in another storage; the user has none.
  virtual StoreResult<void> restore(const UserKey& user, const Roster& roster);
};

/// The operations of OfflineStore; see there.
class BlockingOffline {
 public:
  virtual ~BlockingOffline() = default;
  virtual StoreResult<void> add(const UserKey& user,
                                const std::string& stanza,
                                Timestamp stamp,
                                OfflineLimits limits) = 0;
  virtual StoreResult<std::vector<OfflineStanza>> fetch(const UserKey& user,
                                                        std::uint64_t after_id,
                                                        std::size_t limit) = 0;
  virtual StoreResult<void> remove_through(const UserKey& user, std::uint64_t id) = 0;
  virtual StoreResult<void> remove(const UserKey& user, const std::vector<std::uint64_t>& ids) = 0;
  virtual StoreResult<std::uint64_t> count(const UserKey& user) = 0;
};

/// The operations of KeyValueStore; see there.
class BlockingKeyValues {
 public:
  virtual ~BlockingKeyValues() = default;
  virtual StoreResult<std::string> get(const UserKey& user,
                                       const std::string& space,
                                       const std::string& key) = 0;
  virtual StoreResult<void> put(const UserKey& user,
                                const std::string& space,
                                const std::string& key,
                                const std::string& value) = 0;
  virtual StoreResult<void> remove(const UserKey& user,
                                   const std::string& space,
                                   const std::string& key) = 0;
  /// All of a user or host, by space, then key.
  virtual StoreResult<std::vector<KeyValue>> list(const UserKey& user);
};

/// A worker of a storage: one thread's connection with the faces that the storage holds.
class BlockingStore : public Worker {
 public:
  [[nodiscard]] virtual BlockingUsers* users() { return nullptr; }
  [[nodiscard]] virtual BlockingRosters* rosters() { return nullptr; }
  [[nodiscard]] virtual BlockingOffline* offline() { return nullptr; }
  [[nodiscard]] virtual BlockingKeyValues* key_values() { return nullptr; }
  virtual StoreResult<void> erase_user(const UserKey& user) = 0;

  /// See StorageSession. The two below are made of the faces.
  virtual StoreResult<std::vector<UserKey>> owners(const std::string& host,
                                                   const std::string& after_local,
                                                   std::size_t limit);
  StoreResult<UserData> read_all(const UserKey& user);
  StoreResult<void> write_all(const UserData& data);
};

}  // namespace rondel::store
