// A roster set as a client sends it, checked, and what it makes of a roster.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/roster.h"
#include "xml/element.h"
#include "xmpp/jid.h"
#include "xmpp/roster_item.h"
#include "xmpp/stanza_error.h"

namespace rondel::modules::roster {

/// Bytes of a name or of a group's name; longer ones are not acceptable (RFC 6121 §2.3.3).
inline constexpr std::size_t kNameBytesMax = 1023;
inline constexpr std::size_t kGroupsMax = 64;  ///< Of one item.
/// Of all that clients have put into one roster, so that a roster result stays within what may wait
/// for a connection (base::kOutputBytesMax).
inline constexpr std::size_t kRosterBytesMax = 1024 * 1024;

/// Why a roster set is refused.
struct EditError {
  xmpp::StanzaErrorCondition condition;
  std::string_view text;  ///< For people; lives for ever.
};
template <class T>
using EditResult = base::Result<T, EditError>;

/// A roster set that is in order by itself.
struct RosterEdit {
  std::string jid;
  std::string name;
  std::vector<std::string> groups;
  bool is_removal = false;
};

/// Reads `<query/>`; a subscription other than "remove", ask and approved are passed over.
/// Source: RFC 6121 §2.1.2, §2.3.3, §2.5. Errors: bad_request (not one item, no jid, a jid with a
/// resource, one group twice), jid_malformed, not_acceptable (too long, an empty group, too many
/// groups), not_allowed (the account itself).
[[nodiscard]] EditResult<RosterEdit> parse_roster_edit(const xml::Element& query,
                                                       xmpp::JidView own_account);

/// The item of an add or update: name and groups are the edit's, the rest stays.
/// Source: RFC 6121 §2.3, §2.4. Errors: resource_constraint, if the roster is full.
[[nodiscard]] EditResult<store::RosterItem> edited_item(const store::Roster& roster,
                                                        const RosterEdit& edit);

/// A removal, and what the contact is told of it.
struct RemovalPlan {
  store::RosterChange change;
  bool should_unsubscribe = false;       ///< The user no longer wants the contact's presence.
  bool should_send_unavailable = false;  ///< The contact no longer gets the user's presence,
  bool should_unsubscribed = false;      ///< and is told so.
};
/// Source: RFC 6121 §2.5. A request of the contact's own that waits goes on to wait.
/// Errors: item_not_found.
[[nodiscard]] EditResult<RemovalPlan> plan_removal(const store::Roster& roster,
                                                   std::string_view contact);
/// What a contact is told when its item goes, for whatever reason.
[[nodiscard]] RemovalPlan plan_removal(const store::RosterItem& item);

}  // namespace rondel::modules::roster
