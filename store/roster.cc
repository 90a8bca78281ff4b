#include "store/roster.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.h"
#include "store/user_key.h"

namespace rondel::store {

std::optional<RosterDifference> changes_since(const Roster& roster, std::uint64_t version) {
  if (version < roster.complete_since || version > roster.version) {
    return std::nullopt;
  }
  RosterDifference difference;
  for (const RosterItem& item : roster.items) {
    if (item.is_listed && item.version > version) {
      difference.changed.push_back(item);
    }
  }
  std::ranges::stable_sort(difference.changed, {}, &RosterItem::version);
  for (const RosterRemoval& removal : roster.removals) {
    if (removal.version > version) {
      difference.removed.push_back(removal);
    }
  }
  return difference;
}

RosterChange RosterChange::put(RosterItem item) {
  RosterChange change;
  change.item = std::move(item);
  return change;
}

RosterChange RosterChange::remove(std::string jid) {
  RosterChange change;
  change.kind = Kind::remove;
  change.item.jid = std::move(jid);
  return change;
}

std::uint64_t first_roster_version() {
  return static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::microseconds>(base::wall_clock_now())
          .time_since_epoch()
          .count());
}

StoreResult<void> check_change(const RosterChange& change) {
  const auto has_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  const RosterItem& item = change.item;
  if (item.jid.empty() || item.jid.size() > 2 * kAddressPartBytesMax + 1) {
    return fail(Failure::invalid, "a roster item needs a JID of a legal length");
  }
  if (has_nul(item.jid) || has_nul(item.name) || has_nul(item.pending_in) ||
      std::ranges::any_of(item.groups, has_nul)) {
    return fail(Failure::invalid, "a roster item holds NUL");
  }
  return {};
}

void normalise_groups(RosterItem& item) {
  std::ranges::sort(item.groups);
  const auto repeated = std::ranges::unique(item.groups);
  item.groups.erase(repeated.begin(), repeated.end());
}

}  // namespace rondel::store
