// Groups of a directory whose members are users of a host.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "modules/store-ldap/directory.h"
#include "modules/store-ldap/ldap_options.h"
#include "modules/store-ldap/users.h"
#include "store/host_groups.h"

namespace rondel::modules::store_ldap {

/// Memberships of one host that are read, at most; more are unavailable, and the last groups stay.
inline constexpr std::size_t kMembershipsMax = 1'000'000;

/// Reads all groups of a host and, where there are any, all users, to see who the members are.
///
/// A member counts if it is a user here as `base`, `scope` and `filter` say; groups in groups are
/// not looked into. Thread: one. Owner: a GroupEngine.
class Groups {
 public:
  Groups(Directory& directory, Shared& shared) : directory_(directory), shared_(shared) {}

  /// Errors: unavailable.
  [[nodiscard]] StoreResult<std::shared_ptr<const store::HostGroups>> read(const std::string& host);

 private:
  struct Last {
    std::shared_ptr<const store::HostGroups> groups;
    std::vector<std::string> complaints;  ///< So that each is said once.
  };

  Directory& directory_;
  Shared& shared_;
  std::unordered_map<std::string, Last> last_;  ///< By host.
};

}  // namespace rondel::modules::store_ldap
