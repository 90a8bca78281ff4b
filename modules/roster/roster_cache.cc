#include "modules/roster/roster_cache.h"

#include <algorithm>
#include <string>
#include <utility>

namespace rondel::modules::roster {
namespace {

void drop_removal(store::Roster& roster, const std::string& jid) {
  std::erase_if(roster.removals, [&](const auto& removal) { return removal.jid == jid; });
}

void apply_change(store::Roster& roster, const store::RosterChange& change, std::uint64_t version) {
  const std::string& jid = change.item.jid;
  const auto at = std::ranges::lower_bound(roster.items, jid, {}, &store::RosterItem::jid);
  const bool is_there = at != roster.items.end() && at->jid == jid;
  const bool was_listed = is_there && at->is_listed;
  const bool is_put = change.kind == store::RosterChange::Kind::put;
  if (is_put) {
    store::RosterItem item = change.item;
    item.version = version;
    store::normalise_groups(item);
    if (is_there) {
      *at = std::move(item);
    } else {
      roster.items.insert(at, std::move(item));
    }
  } else if (is_there) {
    roster.items.erase(at);
  }
  if (is_put && change.item.is_listed) {
    drop_removal(roster, jid);
  } else if (was_listed) {
    drop_removal(roster, jid);
    roster.removals.push_back(store::RosterRemoval{jid, version});
  }
}

void bound_removals(store::Roster& roster) {
  if (roster.removals.size() <= store::kRosterRemovalsMax) {
    return;
  }
  // Removals of one version go together, or a client between them would learn half.
  const std::uint64_t dropped =
      roster.removals[roster.removals.size() - store::kRosterRemovalsMax - 1].version;
  std::erase_if(roster.removals, [&](const auto& removal) { return removal.version <= dropped; });
  roster.complete_since = dropped;
}

}  // namespace

void apply_changes(store::Roster& roster,
                   std::span<const store::RosterChange> changes,
                   std::uint64_t version) {
  if (roster.version == 0) {
    roster.complete_since = version;
  }
  roster.version = version;
  for (const store::RosterChange& change : changes) {
    apply_change(roster, change, version);
  }
  bound_removals(roster);
}

void TurnQueue::end() {
  if (waiting_.empty()) {
    is_taken_ = false;
    return;
  }
  const std::coroutine_handle<> next = waiting_.front();
  waiting_.pop_front();
  next.resume();
}

}  // namespace rondel::modules::roster
