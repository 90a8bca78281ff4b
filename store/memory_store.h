// The engine behind MemoryStorage: maps.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "store/blocking.h"
#include "store/memory_storage.h"

namespace rondel::store {

/// All data of a MemoryStorage. Thread: its worker's.
class MemoryStore final : public BlockingStore,
                          private BlockingUsers,
                          private BlockingRosters,
                          private BlockingOffline,
                          private BlockingKeyValues {
 public:
  explicit MemoryStore(MemoryStorage::Fault fault);

  void process(WorkBatch& batch) override;
  BlockingUsers* users() override { return this; }
  BlockingRosters* rosters() override { return this; }
  BlockingOffline* offline() override { return this; }
  BlockingKeyValues* key_values() override { return this; }
  StoreResult<void> erase_user(const UserKey& user) override;
  StoreResult<std::vector<UserKey>> owners(const std::string& host,
                                           const std::string& after_local,
                                           std::size_t limit) override;

 private:
  struct Record {
    Account account;
    CredentialSet credentials;
  };
  using Key = std::pair<std::string, std::string>;  // Host and local part: the order of list().
  using ValueKey = std::pair<std::string, std::string>;

  StoreResult<Account> lookup(const UserKey& user) override;
  StoreResult<AccountWithCredentials> credentials(const UserKey& user) override;
  StoreResult<void> create(const UserKey& user, const CredentialSet& credentials) override;
  StoreResult<ImportOutcome> create_many(const std::vector<NewUser>& users) override;
  StoreResult<void> set_credentials(const UserKey& user, const CredentialSet& credentials) override;
  StoreResult<void> set_state(const UserKey& user, AccountState state) override;
  StoreResult<void> remove(const UserKey& user) override;
  StoreResult<std::vector<Account>> list(const std::string& host,
                                         const std::string& after_local,
                                         std::size_t limit) override;
  StoreResult<std::uint64_t> count(const std::string& host) override;
  StoreResult<void> bind(const UserKey& user, const Binding& binding) override;
  StoreResult<void> unbind(const UserKey& user, const Binding& binding) override;
  StoreResult<std::vector<UserKey>> find_bound(const std::string& host,
                                               const Binding& binding) override;
  StoreResult<void> restore(const AccountWithCredentials& account) override;

  StoreResult<Roster> load(const UserKey& user) override;
  StoreResult<std::uint64_t> change(const UserKey& user,
                                    const std::vector<RosterChange>& changes) override;
  StoreResult<void> restore(const UserKey& user, const Roster& roster) override;

  StoreResult<void> add(const UserKey& user,
                        const std::string& stanza,
                        Timestamp stamp,
                        OfflineLimits limits) override;
  StoreResult<std::vector<OfflineStanza>> fetch(const UserKey& user,
                                                std::uint64_t after_id,
                                                std::size_t limit) override;
  StoreResult<void> remove_through(const UserKey& user, std::uint64_t id) override;
  StoreResult<void> remove(const UserKey& user, const std::vector<std::uint64_t>& ids) override;
  StoreResult<std::uint64_t> count(const UserKey& user) override;

  StoreResult<std::string> get(const UserKey& user,
                               const std::string& space,
                               const std::string& key) override;
  StoreResult<void> put(const UserKey& user,
                        const std::string& space,
                        const std::string& key,
                        const std::string& value) override;
  StoreResult<void> remove(const UserKey& user,
                           const std::string& space,
                           const std::string& key) override;
  StoreResult<std::vector<KeyValue>> list(const UserKey& user) override;

  bool insert(const UserKey& user, const CredentialSet& credentials);

  MemoryStorage::Fault fault_;
  std::map<Key, Record> accounts_;
  std::map<std::pair<std::string, Binding>, std::string> bound_;  ///< By host: the local part.
  std::map<Key, Roster> rosters_;
  std::map<Key, std::map<std::uint64_t, OfflineStanza>> offline_;
  std::map<Key, std::map<ValueKey, std::string>> values_;
  std::uint64_t offline_id_ = 0;
};

}  // namespace rondel::store
