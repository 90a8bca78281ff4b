// The groups of one host: who sees whom without having asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rondel::store {

/// Bounds of what groups may put into one roster, beside what its user keeps there.
struct GroupLimits {
  std::size_t members_max = 1000;  ///< Of one group; a larger one counts for nobody.
  std::size_t groups_of_user_max = 64;
  /// Contacts that the groups of one user have, counted in each group.
  std::size_t contacts_of_user_max = 5000;
  /// Bytes that they need in a roster result, which must fit into what may wait for a connection
  /// together with the user's own items.
  std::size_t bytes_of_user_max = 512 * 1024;
};

/// A group as a storage has read it.
struct GroupSource {
  std::string name;                  ///< As it is shown.
  std::vector<std::string> members;  ///< Local parts, prepared; in any order, repeated or not.
};
/// How a member is called, where that is known.
struct MemberName {
  std::string local;
  std::string name;
};

/// A contact that a user has by groups.
struct GroupContact {
  std::string jid;
  std::string name;                 ///< Empty: none is known.
  std::vector<std::string> groups;  ///< Sorted, each once.

  friend bool operator==(const GroupContact&, const GroupContact&) = default;
};

/// All groups of a host at one moment; the same for both sides of each pair of members.
///
/// Thread: any; it never changes once it is made. Owner: shared.
class HostGroups {
 public:
  /// What exceeds a bound is left out as a whole: a group with too many members; a membership that
  /// would bring its user above what the groups of one user may give, which then nobody sees, the
  /// groups being taken in the order of their names. A group without a name that can be shown is
  /// left out too. `complaints` gets a sentence for each kind of that, for the operator's log.
  [[nodiscard]] static std::shared_ptr<const HostGroups> make(std::string_view host,
                                                              std::vector<GroupSource> groups,
                                                              std::vector<MemberName> names,
                                                              const GroupLimits& limits,
                                                              std::vector<std::string>& complaints);

  /// Sorted by JID; empty for who is in no group. Others of the user's groups, not the user.
  [[nodiscard]] std::vector<GroupContact> contacts_of(std::string_view local) const;
  /// Names what contacts_of() gives: other contacts, other names or other groups are another
  /// digest. The same in every process. 0: in no group.
  [[nodiscard]] std::uint64_t digest_of(std::string_view local) const;
  /// Of everything.
  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  [[nodiscard]] std::size_t group_count() const { return groups_.size(); }
  [[nodiscard]] std::size_t user_count() const { return users_.size(); }

 private:
  friend class HostGroupsBuilder;
  struct User {
    std::string local;
    std::string name;
    std::uint64_t digest = 0;
    std::uint32_t first = 0;  ///< Of its groups in memberships_.
    std::uint32_t count = 0;
  };
  struct Group {
    std::string name;
    std::vector<std::uint32_t> members;  ///< In users_, sorted.
  };

  [[nodiscard]] const User* find(std::string_view local) const;
  [[nodiscard]] std::span<const std::uint32_t> groups_of(const User& user) const {
    return std::span(memberships_).subspan(user.first, user.count);
  }

  std::string host_;
  std::vector<User> users_;  ///< By local part.
  std::vector<Group> groups_;
  std::vector<std::uint32_t> memberships_;  ///< In groups_, user after user.
  std::uint64_t digest_ = 0;
};

}  // namespace rondel::store
