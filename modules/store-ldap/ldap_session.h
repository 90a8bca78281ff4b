// A shard's way into the directory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "modules/store-ldap/groups.h"
#include "modules/store-ldap/ldap_options.h"
#include "store/storage.h"
#include "store/worker_port.h"
#include "store/worker_session.h"

namespace rondel::modules::store_ldap {

/// The thread that reads groups, so that nobody who logs in waits for them.
class GroupEngine final : public store::Worker {
 public:
  explicit GroupEngine(Shared& shared)
      : directory_(shared.options.connection, shared.reporter), groups_(directory_, shared) {}

  [[nodiscard]] Groups& groups() { return groups_; }

 private:
  Directory directory_;
  Groups groups_;
};

/// Users by the one pool; groups, where a host has them, by the other.
///
/// Thread: one shard. Owner: the shard.
class LdapSession final : public store::StorageSession {
 public:
  /// `group_pool` is null where no host has groups.
  LdapSession(store::WorkerPool& pool,
              store::WorkerPool* group_pool,
              base::Executor& shard,
              const LdapOptions& options);
  ~LdapSession() override;

  store::UserStore* users() override { return users_.users(); }
  store::GroupStore* groups() override;
  store::StoreTask<void> erase_user(store::UserKey user) override {
    return users_.erase_user(std::move(user));
  }
  store::StoreTask<std::vector<store::UserKey>> owners(std::string host,
                                                       std::string after_local,
                                                       std::size_t limit) override {
    return users_.owners(std::move(host), std::move(after_local), limit);
  }
  store::StoreTask<store::UserData> read_all(store::UserKey user) override {
    return users_.read_all(std::move(user));
  }
  store::StoreTask<void> write_all(store::UserData data) override {
    return users_.write_all(std::move(data));
  }

 private:
  class HostGroupStore;

  store::WorkerSession users_;
  std::unique_ptr<HostGroupStore> groups_;
};

}  // namespace rondel::modules::store_ldap
