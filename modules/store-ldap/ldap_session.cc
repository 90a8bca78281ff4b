#include "modules/store-ldap/ldap_session.h"

#include <algorithm>
#include <utility>

namespace rondel::modules::store_ldap {
namespace {

store::FaceSet faces_of_users() {
  store::FaceSet faces;
  faces.rosters = faces.offline = faces.key_values = false;
  faces.is_writable = false;
  faces.compares_passwords = true;
  return faces;
}

}  // namespace

class LdapSession::HostGroupStore final : public store::GroupStore {
 public:
  HostGroupStore(store::WorkerPool& pool, base::Executor& shard, const LdapOptions& options)
      : port_(pool, shard), options_(options) {}

  std::optional<std::chrono::milliseconds> refresh_interval(std::string_view name) const override {
    const auto host = std::ranges::find(options_.hosts, name, &HostDirectory::host);
    return host == options_.hosts.end() || host->group_base.empty()
               ? std::nullopt
               : std::optional(host->group_refresh);
  }

  store::StoreTask<std::shared_ptr<const store::HostGroups>> load(std::string host) override {
    store::UserKey order("", host);
    auto run = port_.run(store::Access::read, std::move(order), "groups.load",
                         [host = std::move(host)](store::Worker& worker) {
                           return static_cast<GroupEngine&>(worker).groups().read(host);
                         });
    co_return co_await run;
  }

 private:
  store::WorkerPort port_;
  const LdapOptions& options_;
};

LdapSession::LdapSession(store::WorkerPool& pool,
                         store::WorkerPool* group_pool,
                         base::Executor& shard,
                         const LdapOptions& options)
    : users_(pool, shard, faces_of_users()),
      groups_(group_pool == nullptr
                  ? nullptr
                  : std::make_unique<HostGroupStore>(*group_pool, shard, options)) {
}

LdapSession::~LdapSession() = default;

store::GroupStore* LdapSession::groups() {
  return groups_.get();
}

}  // namespace rondel::modules::store_ldap
