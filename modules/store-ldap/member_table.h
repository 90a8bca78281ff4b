// Which user a group's member is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "modules/store-ldap/connection.h"
#include "modules/store-ldap/ldap_options.h"
#include "store/host_groups.h"

namespace rondel::modules::store_ldap {

/// Collects groups as the directory has them, then the users who are their members.
///
/// Thread: one. Owner: whoever reads the groups.
class MemberTable {
 public:
  explicit MemberTable(const HostDirectory& host) : host_(host) {}

  /// False: there are too many memberships.
  [[nodiscard]] bool add_group(const Entry& entry);
  /// After all groups: every user of the host.
  void add_user(const Entry& entry);
  /// They are read anew.
  void forget_users();

  struct Result {
    std::vector<store::GroupSource> groups;
    std::vector<store::MemberName> names;
    /// Users with more than one entry, who are nobody.
    std::vector<std::string> ambiguous;
    /// Groups of which the directory has given only a part.
    std::vector<std::string> cut_off;
  };
  [[nodiscard]] Result finish();
  [[nodiscard]] bool is_empty() const { return groups_.empty(); }

 private:
  struct Group {
    std::string name;
    std::vector<std::uint32_t> members;
  };
  struct User {
    std::string local;
    std::string name;
    std::uint32_t entries = 0;
  };

  /// What a value of the member attribute, or a user's entry, is looked up by; "": nothing.
  [[nodiscard]] std::string key_of_value(const std::string& value) const;

  const HostDirectory& host_;
  std::vector<Group> groups_;
  std::vector<std::string> cut_off_;
  std::unordered_map<std::string, std::uint32_t> keys_;  ///< Members by key.
  std::vector<std::vector<std::uint32_t>> users_of_;     ///< By member: in users_.
  std::unordered_map<std::string, std::uint32_t> locals_;
  std::vector<User> users_;
  std::size_t memberships_ = 0;
};

/// A distinguished name as it can be compared: attribute types and values in small letters (beyond
/// ASCII as they are), spaces and escapes in one way; "" for what is none. Source: RFC 4514.
[[nodiscard]] std::string comparable_dn(const std::string& dn);

}  // namespace rondel::modules::store_ldap
