// A user's roster as clients see it where groups of a storage give contacts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "modules/roster/roster_edit.h"
#include "store/host_groups.h"
#include "store/roster.h"

namespace rondel::modules::roster {

/// The user's own roster with the contacts of its groups.
///
/// A contact that is in both has the user's own name, if it was given one, and all groups; every
/// contact by groups has the subscription `both`, and no request waits. Owner: a RosterCache.
class GroupView {
 public:
  /// `contacts` are sorted by JID; `digest` names them.
  GroupView(const store::Roster& own,
            std::vector<store::GroupContact> contacts,
            std::uint64_t digest);

  [[nodiscard]] const store::Roster& roster() const { return merged_; }
  [[nodiscard]] const std::vector<store::GroupContact>& contacts() const { return contacts_; }
  /// Null: not a contact by groups.
  [[nodiscard]] const store::GroupContact* find(std::string_view contact) const;
  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  /// What versions of this roster end with.
  [[nodiscard]] std::string mark() const { return mark_of(digest_); }
  [[nodiscard]] static std::string mark_of(std::uint64_t digest);
  /// The own roster has changed; gives what was to be seen before.
  store::Roster renew(const store::Roster& own);

 private:
  std::vector<store::GroupContact> contacts_;
  std::uint64_t digest_;
  store::Roster merged_;
};

/// Takes out of what a client has set what the groups give anyway, so that the user's own roster
/// doesn't keep the groups of yesterday.
[[nodiscard]] RosterEdit own_part(RosterEdit edit, const store::GroupContact& contact);

/// Whose presence goes to whom after other groups have come into force. Sorted; views of rosters.
struct AudienceChange {
  std::vector<std::string_view> gained;  ///< Contacts that may see the user now.
  std::vector<std::string_view> lost;    ///< Those that no longer may.
};
[[nodiscard]] AudienceChange audience_change(const store::Roster& before,
                                             const store::Roster& after);

/// The bare JIDs that two lists of contacts hold, sorted, each once.
[[nodiscard]] std::vector<std::string> jids_of(const std::vector<store::GroupContact>& left,
                                               const std::vector<store::GroupContact>& right);

}  // namespace rondel::modules::roster
