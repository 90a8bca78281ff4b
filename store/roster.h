// A user's roster as it is stored, with what roster versioning needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/store_result.h"
#include "xmpp/roster_item.h"

namespace rondel::store {

using xmpp::Subscription;

/// One contact. Source: RFC 6121 §2.1.2 and appendix A.
struct RosterItem {
  RosterItem() = default;
  explicit RosterItem(std::string contact,
                      std::string shown_name = {},
                      std::vector<std::string> in_groups = {})
      : jid(std::move(contact)), name(std::move(shown_name)), groups(std::move(in_groups)) {}

  std::string jid;  ///< Bare, normalised.
  std::string name;
  std::vector<std::string> groups;  ///< Kept sorted and without repetition.
  Subscription subscription = Subscription::none;
  bool is_asked = false;  ///< ask='subscribe': our request waits for the contact ("pending out").
  bool is_approved = false;  ///< Pre-approved (RFC 6121 §3.4).
  /// In the roster that clients see; false for a request of someone who isn't in it (RFC 6121
  /// §3.1.3).
  bool is_listed = true;
  /// The contact's request that waits for the user ("pending in"): the presence stanza; else empty.
  std::string pending_in;
  std::uint64_t version = 0;  ///< Of the change that wrote it; set by the storage.

  friend bool operator==(const RosterItem&, const RosterItem&) = default;
};

/// That a listed item was removed, so that a client that was away can learn it.
struct RosterRemoval {
  std::string jid;
  std::uint64_t version = 0;

  friend bool operator==(const RosterRemoval&, const RosterRemoval&) = default;
};

/// How many removals of a user are kept; older ones go, and clients that miss them load the whole.
inline constexpr std::size_t kRosterRemovalsMax = 256;

struct Roster {
  std::vector<RosterItem> items;        ///< Sorted by JID, unlisted ones included.
  std::vector<RosterRemoval> removals;  ///< Oldest first.
  std::uint64_t version = 0;            ///< Of the last change; 0 if there was never one.
  std::uint64_t complete_since = 0;     ///< Differences are known from this version on.
};

/// What a client with an old version has to be told.
struct RosterDifference {
  std::vector<RosterItem> changed;  ///< Listed items, oldest change first.
  std::vector<RosterRemoval> removed;
};

/// Nothing if the version is unknown or too old, so that the whole roster must be sent.
/// Source: RFC 6121 §2.6.
[[nodiscard]] std::optional<RosterDifference> changes_since(const Roster& roster,
                                                            std::uint64_t version);

/// One step of a change: writes a whole item, or removes one.
struct RosterChange {
  enum class Kind : std::uint8_t { put, remove };

  RosterChange() = default;
  [[nodiscard]] static RosterChange put(RosterItem item);
  [[nodiscard]] static RosterChange remove(std::string jid);

  Kind kind = Kind::put;
  RosterItem item;  ///< Of a removal only the JID counts.
};

/// The version of a roster's first change: taken from the clock, so that versions keep growing when
/// a user is removed and made again (its microseconds outrun any changes).
[[nodiscard]] std::uint64_t first_roster_version();

/// Errors: invalid, if a JID is empty or too long, or a text holds NUL.
[[nodiscard]] StoreResult<void> check_change(const RosterChange& change);
/// Sorts the groups and drops repetitions: how every storage keeps them.
void normalise_groups(RosterItem& item);

}  // namespace rondel::store
