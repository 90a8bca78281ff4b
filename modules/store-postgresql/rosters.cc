#include "modules/store-postgresql/rosters.h"

#include <utility>

#include "store/column_values.h"

namespace rondel::modules::store_postgresql {
namespace {

using store::number_of;
using store::Roster;
using store::RosterChange;
using store::RosterItem;
using store::signed_of;
using store::subscription_of;
using store::unsigned_of;
using store::UserKey;

enum Part : std::int64_t { head, item, removal };

RosterItem item_of(const Rows& rows, std::size_t row) {
  RosterItem item(rows.bytes(row, 1), rows.bytes(row, 4), rows.texts(row, 5));
  const std::int64_t flags = rows.integer(row, 7);
  item.subscription = subscription_of(rows.integer(row, 6));
  item.is_asked = (flags & 1) != 0;
  item.is_approved = (flags & 2) != 0;
  item.is_listed = (flags & 4) != 0;
  item.pending_in = rows.bytes(row, 8);
  item.version = unsigned_of(rows.integer(row, 2));
  return item;
}

}  // namespace

StoreResult<Roster> Rosters::load(const UserKey& user) {
  // One statement sees one moment.
  Query query(
      "SELECT 0 AS part, '' COLLATE \"C\" AS jid, version, complete_since, '' AS name,"
      " NULL::text[] AS groups, 0 AS subscription, 0 AS flags, '' AS pending_in"
      " FROM roster WHERE host = $1 AND local = $2"
      " UNION ALL SELECT 1, jid, version, 0, name, groups, subscription,"
      " is_asked::int + 2 * is_approved::int + 4 * is_listed::int, pending_in"
      " FROM roster_item WHERE host = $1 AND local = $2"
      " UNION ALL SELECT 2, jid, version, version, '', NULL, 0, 0, ''"
      " FROM roster_removal WHERE host = $1 AND local = $2"
      " ORDER BY part, complete_since, jid");
  RONDEL_TRY(const Rows rows, connection_->run_blocking(query.text(user.host).text(user.local)));
  Roster roster;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const std::uint64_t version = unsigned_of(rows.integer(row, 2));
    switch (rows.integer(row, 0)) {
      case Part::head:
        roster.version = version;
        roster.complete_since = unsigned_of(rows.integer(row, 3));
        break;
      case Part::item:
        roster.items.push_back(item_of(rows, row));
        break;
      default:
        roster.removals.push_back({rows.bytes(row, 1), version});
    }
  }
  return roster;
}

StoreResult<std::uint64_t> Rosters::change(const UserKey& user,
                                           const std::vector<RosterChange>& changes) {
  Query next(
      "INSERT INTO roster VALUES ($1, $2, $3, $3)"
      " ON CONFLICT (host, local) DO UPDATE SET version = roster.version + 1 RETURNING version");
  next.text(user.host).text(user.local).integer(signed_of(store::first_roster_version()));
  RONDEL_TRY(const Rows rows, connection_->run_blocking(next));
  const std::uint64_t version = unsigned_of(rows.integer(0, 0));
  bool has_removals = false;
  for (const RosterChange& change : changes) {
    const std::string& jid = change.item.jid;
    const bool is_put = change.kind == RosterChange::Kind::put;
    if (is_put && change.item.is_listed) {
      Query drop(
          "DELETE FROM roster_removal WHERE host = $1 AND local = $2 AND digest = sha256($3)");
      connection_->post(drop.text(user.host).text(user.local).bytes(jid));
    } else {
      note_removal(user, jid, version);
      has_removals = true;
    }
    if (is_put) {
      put(user, change.item, version);
    } else {
      Query remove(
          "DELETE FROM roster_item WHERE host = $1 AND local = $2 AND digest = sha256($3)");
      connection_->post(remove.text(user.host).text(user.local).bytes(jid));
    }
  }
  if (has_removals) {
    Query bound(
        "WITH last AS (SELECT version FROM roster_removal WHERE host = $1 AND local = $2"
        " ORDER BY version DESC, jid DESC LIMIT 1 OFFSET $3),"
        " gone AS (DELETE FROM roster_removal WHERE host = $1 AND local = $2"
        " AND version <= (SELECT version FROM last))"
        " UPDATE roster SET complete_since = last.version FROM last"
        " WHERE roster.host = $1 AND roster.local = $2");
    bound.text(user.host).text(user.local).integer(signed_of(store::kRosterRemovalsMax));
    connection_->post(bound);
  }
  return version;
}

void Rosters::put(const UserKey& user, const RosterItem& item, std::uint64_t version) {
  Query query(
      "INSERT INTO roster_item VALUES ($1, $2, sha256($3), $4, $5, $6, $7, $8 <> 0, $9 <> 0,"
      " $10 <> 0, $11, $12) ON CONFLICT (host, local, digest) DO UPDATE SET name = excluded.name,"
      " groups = excluded.groups, subscription = excluded.subscription,"
      " is_asked = excluded.is_asked, is_approved = excluded.is_approved,"
      " is_listed = excluded.is_listed, pending_in = excluded.pending_in,"
      " version = excluded.version");
  query.text(user.host).text(user.local).bytes(item.jid).text(item.jid).text(item.name);
  query.texts(item.groups).integer(number_of(item.subscription));
  query.integer(item.is_asked ? 1 : 0).integer(item.is_approved ? 1 : 0);
  query.integer(item.is_listed ? 1 : 0).text(item.pending_in).integer(signed_of(version));
  connection_->post(query);
}

void Rosters::note_removal(const UserKey& user, const std::string& jid, std::uint64_t version) {
  // Only what was listed until now leaves a mark.
  Query query(
      "INSERT INTO roster_removal SELECT host, local, digest, jid, $4 FROM roster_item"
      " WHERE host = $1 AND local = $2 AND digest = sha256($3) AND is_listed"
      " ON CONFLICT (host, local, digest) DO UPDATE SET version = excluded.version");
  query.text(user.host).text(user.local).bytes(jid).integer(signed_of(version));
  connection_->post(query);
}

StoreResult<void> Rosters::restore(const UserKey& user, const Roster& roster) {
  if (roster.version == 0) {
    return {};
  }
  Query head("INSERT INTO roster VALUES ($1, $2, $3, $4)");
  head.text(user.host).text(user.local).integer(signed_of(roster.version));
  connection_->post(head.integer(signed_of(roster.complete_since)));
  for (const RosterItem& one : roster.items) {
    put(user, one, one.version);
  }
  for (const store::RosterRemoval& one : roster.removals) {
    Query query("INSERT INTO roster_removal VALUES ($1, $2, sha256($3), $4, $5)");
    query.text(user.host).text(user.local).bytes(one.jid).text(one.jid);
    connection_->post(query.integer(signed_of(one.version)));
  }
  return {};
}

}  // namespace rondel::modules::store_postgresql
