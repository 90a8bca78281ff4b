#include "modules/store-sqlite/rosters.h"

#include <utility>

#include "store/column_values.h"

namespace rondel::modules::store_sqlite {

using store::number_of;
using store::Roster;
using store::RosterChange;
using store::RosterItem;
using store::signed_of;
using store::subscription_of;
using store::unsigned_of;
using store::UserKey;

StoreResult<Roster> Rosters::load(const UserKey& user) {
  Roster roster;
  Savepoint moment(connection_);
  RONDEL_TRY_VOID(moment.begin_blocking());
  {
    Statement head(connection_,
                   "SELECT version, complete_since FROM roster WHERE host = ? AND local = ?");
    RONDEL_TRY(const bool has_row, head.text(user.host).text(user.local).step_blocking());
    if (!has_row) {
      return roster;
    }
    roster.version = unsigned_of(head.integer_at(0));
    roster.complete_since = unsigned_of(head.integer_at(1));
  }
  RONDEL_TRY_VOID(load_items(user, roster));
  RONDEL_TRY_VOID(load_groups(user, roster));
  RONDEL_TRY_VOID(load_removals(user, roster));
  RONDEL_TRY_VOID(moment.release_blocking());
  return roster;
}

StoreResult<void> Rosters::load_items(const UserKey& user, Roster& roster) {
  Statement statement(connection_,
                      "SELECT jid, name, subscription, is_asked, is_approved, is_listed,"
                      " pending_in, version FROM roster_item"
                      " WHERE host = ? AND local = ? ORDER BY jid");
  statement.text(user.host).text(user.local);
  for (;;) {
    RONDEL_TRY(const bool has_row, statement.step_blocking());
    if (!has_row) {
      return {};
    }
    RosterItem item(statement.bytes_at(0), statement.bytes_at(1));
    item.subscription = subscription_of(statement.integer_at(2));
    item.is_asked = statement.integer_at(3) != 0;
    item.is_approved = statement.integer_at(4) != 0;
    item.is_listed = statement.integer_at(5) != 0;
    item.pending_in = statement.bytes_at(6);
    item.version = unsigned_of(statement.integer_at(7));
    roster.items.push_back(std::move(item));
  }
}

StoreResult<void> Rosters::load_groups(const UserKey& user, Roster& roster) {
  Statement statement(connection_,
                      "SELECT jid, name FROM roster_group WHERE host = ? AND local = ?"
                      " ORDER BY jid, name");
  statement.text(user.host).text(user.local);
  auto item = roster.items.begin();
  for (;;) {
    RONDEL_TRY(const bool has_row, statement.step_blocking());
    if (!has_row) {
      return {};
    }
    // Both are sorted by JID, and each group has its item.
    const std::string jid = statement.bytes_at(0);
    while (item != roster.items.end() && item->jid != jid) {
      ++item;
    }
    if (item == roster.items.end()) {
      return store::fail(store::Failure::unavailable,
                         "the roster of " + to_text(user) + " has a group without its contact");
    }
    item->groups.push_back(statement.bytes_at(1));
  }
}

StoreResult<void> Rosters::load_removals(const UserKey& user, Roster& roster) {
  Statement statement(connection_,
                      "SELECT jid, version FROM roster_removal WHERE host = ? AND local = ?"
                      " ORDER BY version, jid");
  statement.text(user.host).text(user.local);
  for (;;) {
    RONDEL_TRY(const bool has_row, statement.step_blocking());
    if (!has_row) {
      return {};
    }
    roster.removals.push_back({statement.bytes_at(0), unsigned_of(statement.integer_at(1))});
  }
}

StoreResult<std::uint64_t> Rosters::change(const UserKey& user,
                                           const std::vector<RosterChange>& changes) {
  RONDEL_TRY(const std::uint64_t version, next_version(user));
  bool has_removals = false;
  for (const RosterChange& change : changes) {
    const std::string& jid = change.item.jid;
    RONDEL_TRY(const bool was_listed, is_listed(user, jid));
    const bool is_put = change.kind == RosterChange::Kind::put;
    if (is_put) {
      RONDEL_TRY_VOID(put(user, change.item, version));
    } else {
      RONDEL_TRY_VOID(remove(user, jid));
    }
    if (is_put && change.item.is_listed) {
      RONDEL_TRY_VOID(drop_removal(user, jid));
    } else if (was_listed) {
      RONDEL_TRY_VOID(add_removal(user, jid, version));
      has_removals = true;
    }
  }
  if (has_removals) {
    RONDEL_TRY_VOID(bound_removals(user));
  }
  return version;
}

StoreResult<void> Rosters::restore(const UserKey& user, const Roster& roster) {
  Statement head(connection_, "INSERT INTO roster VALUES (?, ?, ?, ?)");
  head.text(user.host).text(user.local).integer(signed_of(roster.version));
  RONDEL_TRY_VOID(head.integer(signed_of(roster.complete_since)).run_blocking());
  for (const RosterItem& one : roster.items) {
    RONDEL_TRY_VOID(put(user, one, one.version));
  }
  for (const store::RosterRemoval& one : roster.removals) {
    RONDEL_TRY_VOID(add_removal(user, one.jid, one.version));
  }
  return {};
}

StoreResult<std::uint64_t> Rosters::next_version(const UserKey& user) {
  Statement statement(connection_,
                      "INSERT INTO roster VALUES (?1, ?2, ?3, ?3)"
                      " ON CONFLICT DO UPDATE SET version = version + 1 RETURNING version");
  statement.text(user.host).text(user.local).integer(signed_of(store::first_roster_version()));
  RONDEL_TRY_VOID(statement.step_blocking());
  const std::uint64_t version = unsigned_of(statement.integer_at(0));
  // A statement with RETURNING is complete only after its last row.
  RONDEL_TRY_VOID(statement.step_blocking());
  return version;
}

StoreResult<bool> Rosters::is_listed(const UserKey& user, const std::string& jid) {
  Statement statement(connection_,
                      "SELECT is_listed FROM roster_item"
                      " WHERE host = ? AND local = ? AND jid = ?");
  statement.text(user.host).text(user.local).text(jid);
  RONDEL_TRY(const bool has_row, statement.step_blocking());
  return has_row && statement.integer_at(0) != 0;
}

StoreResult<void> Rosters::put(const UserKey& user, const RosterItem& item, std::uint64_t version) {
  RONDEL_TRY_VOID(remove(user, item.jid));
  Statement statement(connection_, "INSERT INTO roster_item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  statement.text(user.host).text(user.local).text(item.jid).text(item.name);
  statement.integer(number_of(item.subscription)).integer(item.is_asked ? 1 : 0);
  statement.integer(item.is_approved ? 1 : 0).integer(item.is_listed ? 1 : 0);
  statement.text(item.pending_in).integer(signed_of(version));
  RONDEL_TRY_VOID(statement.run_blocking());
  Statement group(connection_, "INSERT INTO roster_group VALUES (?, ?, ?, ?)");
  for (const std::string& name : item.groups) {
    group.text(user.host).text(user.local).text(item.jid).text(name);
    RONDEL_TRY_VOID(group.run_again_blocking());
  }
  return {};
}

StoreResult<void> Rosters::remove(const UserKey& user, const std::string& jid) {
  Statement statement(connection_,
                      "DELETE FROM roster_item WHERE host = ? AND local = ? AND jid = ?");
  return statement.text(user.host).text(user.local).text(jid).run_blocking();
}

StoreResult<void> Rosters::add_removal(const UserKey& user,
                                       const std::string& jid,
                                       std::uint64_t version) {
  Statement statement(connection_, "INSERT OR REPLACE INTO roster_removal VALUES (?, ?, ?, ?)");
  statement.text(user.host).text(user.local).text(jid).integer(signed_of(version));
  return statement.run_blocking();
}

StoreResult<void> Rosters::drop_removal(const UserKey& user, const std::string& jid) {
  Statement statement(connection_,
                      "DELETE FROM roster_removal WHERE host = ? AND local = ? AND jid = ?");
  return statement.text(user.host).text(user.local).text(jid).run_blocking();
}

StoreResult<void> Rosters::bound_removals(const UserKey& user) {
  std::int64_t dropped = 0;
  {
    Statement statement(connection_,
                        "SELECT version FROM roster_removal WHERE host = ? AND local = ?"
                        " ORDER BY version DESC, jid DESC LIMIT 1 OFFSET ?");
    statement.text(user.host).text(user.local).integer(signed_of(store::kRosterRemovalsMax));
    RONDEL_TRY(const bool has_row, statement.step_blocking());
    if (!has_row) {
      return {};
    }
    dropped = statement.integer_at(0);
  }
  Statement removals(connection_,
                     "DELETE FROM roster_removal WHERE host = ? AND local = ? AND version <= ?");
  removals.text(user.host).text(user.local).integer(dropped);
  RONDEL_TRY_VOID(removals.run_blocking());
  Statement head(connection_, "UPDATE roster SET complete_since = ? WHERE host = ? AND local = ?");
  return head.integer(dropped).text(user.host).text(user.local).run_blocking();
}

}  // namespace rondel::modules::store_sqlite
