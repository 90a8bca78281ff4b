#include "modules/store-ldap/ldap_storage.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/encoding.h"
#include "modules/store-ldap/engine.h"
#include "modules/store-ldap/ldap_session.h"

namespace rondel::modules::store_ldap {

LdapStorage::LdapStorage(LdapOptions options) : shared_(options) {
  RONDEL_CHECK(options.connections > 0);
}

LdapStorage::~LdapStorage() {
  close_blocking();
}

store::KindSet LdapStorage::kinds(std::string_view host) const {
  const auto found = std::ranges::find(shared_.options.hosts, host, &HostDirectory::host);
  const bool is_here = found != shared_.options.hosts.end();
  return {.users = is_here, .groups = is_here && !found->group_base.empty()};
}

StoreResult<void> LdapStorage::open_blocking() {
  RONDEL_CHECK(!pool_);
  const ConnectionOptions& connection = shared_.options.connection;
  if (connection.servers.empty()) {
    return store::fail(store::Failure::invalid, "[module.store-ldap] servers names no server");
  }
  if (shared_.options.hosts.empty()) {
    return store::fail(
        store::Failure::invalid,
        "[module.store-ldap] base says nowhere where the users of a host are in the directory");
  }
  RONDEL_TRY(std::string password, read_secret_blocking(connection.password));
  const bool has_password = !password.empty();
  base::wipe(password);
  if (has_password == connection.bind_dn.empty()) {
    return store::fail(store::Failure::invalid,
                       "[module.store-ldap] bind_dn and the place of its password come together");
  }
  {
    Directory directory(connection, shared_.reporter);
    const auto tried = directory.try_out_blocking();
    if (!tried && tried.error().failure == store::Failure::invalid) {
      return tried;
    }
  }
  std::vector<std::unique_ptr<store::Worker>> workers;
  for (std::size_t i = 0; i < shared_.options.connections; ++i) {
    workers.push_back(std::make_unique<Engine>(shared_));
  }
  pool_ = std::make_unique<store::WorkerPool>(std::move(workers),
                                              std::vector<std::unique_ptr<store::Worker>>(),
                                              store::WorkerPool::Options{"ldap", 16, true});
  pool_->start_blocking();
  if (std::ranges::any_of(shared_.options.hosts,
                          [](const HostDirectory& host) { return !host.group_base.empty(); })) {
    std::vector<std::unique_ptr<store::Worker>> readers;
    readers.push_back(std::make_unique<GroupEngine>(shared_));
    group_pool_ = std::make_unique<store::WorkerPool>(
        std::move(readers), std::vector<std::unique_ptr<store::Worker>>(),
        store::WorkerPool::Options{"ldap-groups", 1, true});
    group_pool_->start_blocking();
  }
  return {};
}

std::unique_ptr<store::StorageSession> LdapStorage::attach(base::Executor& shard) {
  RONDEL_CHECK(pool_ != nullptr);
  return std::make_unique<LdapSession>(*pool_, group_pool_.get(), shard, shared_.options);
}

void LdapStorage::close_blocking() {
  for (const auto& pool : {pool_.get(), group_pool_.get()}) {
    if (pool != nullptr) {
      pool->stop_blocking();
    }
  }
}

std::string LdapStorage::status() const {
  const std::uint64_t requests = pool_ ? pool_->counters().requests : 0;
  return fmt::format("LDAP {}, {} operations", shared_.reporter.status(), requests);
}

}  // namespace rondel::modules::store_ldap
