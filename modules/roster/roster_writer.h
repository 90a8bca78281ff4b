// Rosters as clients read them: results, pushes, versions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/roster.h"
#include "xml/document.h"

namespace rondel::modules::roster {

/// One roster push (RFC 6121 §2.1.6): an item as it is now, or that it has gone.
struct RosterPush {
  store::RosterItem item;  ///< Of a removal only the JID counts.
  bool is_removal = false;
  /// What the client knows completely once it has this push: with several pushes of one change,
  /// only the last one says its version (RFC 6121 §2.6.3).
  std::uint64_t version = 0;
  /// Of the contacts that the client has by groups once it has this push; empty: it has none.
  std::string mark{};
};

/// What a change makes a client see, when `before` was the roster and `version` is the new one.
///
/// Requests that wait are not seen (RFC 6121 §3.1.3); with `is_asked_for` an item is pushed even if
/// it is what it was, since a client has set it.
[[nodiscard]] std::vector<RosterPush> pushes_of(const store::Roster& before,
                                                std::span<const store::RosterChange> changes,
                                                std::uint64_t version,
                                                bool is_asked_for);

/// The same for contacts that groups give as well: `jids` are all that may look different, and each
/// push has the mark of `after`.
[[nodiscard]] std::vector<RosterPush> pushes_between(const store::Roster& before,
                                                     const store::Roster& after,
                                                     std::span<const std::string> jids,
                                                     const std::string& mark,
                                                     bool is_asked_for);

/// What a client that has `known` (its `ver`) is to be pushed, oldest first; nothing if it is to
/// get the whole roster, also because that is shorter. `roster` is the user's own; `shown` is what
/// clients see of it, and `mark` names what groups give. Source: RFC 6121 §2.6.2.
[[nodiscard]] std::optional<std::vector<RosterPush>> pushes_since(const store::Roster& roster,
                                                                  const store::Roster& shown,
                                                                  const std::string& mark,
                                                                  std::string_view known);
[[nodiscard]] inline std::optional<std::vector<RosterPush>> pushes_since(
    const store::Roster& roster, std::string_view known) {
  return pushes_since(roster, roster, {}, known);
}

/// Appends `<query/>` with all listed items to a result. Source: RFC 6121 §2.1.4.
void append_roster(xml::Document& result, const store::Roster& roster, std::string_view mark = {});
/// An iq set without addresses: from nobody is from the account itself (RFC 6121 §2.1.6).
[[nodiscard]] xml::Document make_push(const RosterPush& push, std::string_view id);

}  // namespace rondel::modules::roster
