// Users of a directory, as a storage.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "modules/store-ldap/ldap_options.h"
#include "modules/store-ldap/users.h"
#include "store/storage.h"
#include "store/worker_pool.h"

namespace rondel::modules::store_ldap {

/// Holds users and groups, and never writes; rosters and the rest live in another storage.
///
/// Thread: as Storage.
class LdapStorage final : public store::Storage {
 public:
  explicit LdapStorage(LdapOptions options);
  ~LdapStorage() override;

  /// Users of the hosts that have a base.
  store::KindSet kinds(std::string_view host) const override;
  /// Opens also where no server can be reached: it is tried again with every question. Errors:
  /// invalid, if no server or no host is named, the password can't be read or a server refuses it.
  StoreResult<void> open_blocking() override;
  std::unique_ptr<store::StorageSession> attach(base::Executor& shard) override;
  void close_blocking() override;
  std::string status() const override;

  [[nodiscard]] Reporter& reporter() { return shared_.reporter; }

 private:
  Shared shared_;
  std::unique_ptr<store::WorkerPool> pool_;
  std::unique_ptr<store::WorkerPool> group_pool_;  ///< Null where no host has groups.
};

}  // namespace rondel::modules::store_ldap
