#include "modules/store-ldap/ldap_storage.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/encoding.h"
#include "modules/store-ldap/engine.h"
#include "store/worker_session.h"

namespace rondel::modules::store_ldap {

LdapStorage::LdapStorage(LdapOptions options) : shared_(options) {
  RONDEL_CHECK(options.connections > 0);
}

LdapStorage::~LdapStorage() {
  close_blocking();
}

store::KindSet LdapStorage::kinds(std::string_view host) const {
  return {.users = std::ranges::find(shared_.options.hosts, host, &HostDirectory::host) !=
                   shared_.options.hosts.end()};
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
  return {};
}

std::unique_ptr<store::StorageSession> LdapStorage::attach(base::Executor& shard) {
  RONDEL_CHECK(pool_ != nullptr);
  store::FaceSet faces;
  faces.rosters = faces.offline = faces.key_values = false;
  faces.is_writable = false;
  faces.compares_passwords = true;
  return std::make_unique<store::WorkerSession>(*pool_, shard, faces);
}

void LdapStorage::close_blocking() {
  if (pool_) {
    pool_->stop_blocking();
  }
}

std::string LdapStorage::status() const {
  const std::uint64_t requests = pool_ ? pool_->counters().requests : 0;
  return fmt::format("LDAP {}, {} operations", shared_.reporter.status(), requests);
}

}  // namespace rondel::modules::store_ldap
