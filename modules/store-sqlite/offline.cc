#include "modules/store-sqlite/offline.h"

#include "store/column_values.h"

namespace rondel::modules::store_sqlite {

using store::bounded;
using store::OfflineStanza;
using store::UserKey;

StoreResult<void> Offline::add(const UserKey& user,
                               const std::string& stanza,
                               store::Timestamp stamp,
                               store::OfflineLimits limits) {
  Statement statement(connection_,
                      "INSERT INTO offline_stanza (host, local, stamp, stanza, bytes)"
                      " SELECT ?1, ?2, ?3, ?4, ?5 WHERE"
                      " (SELECT count(*) < ?6 AND coalesce(sum(bytes), 0) + ?5 <= ?7"
                      " FROM offline_stanza WHERE host = ?1 AND local = ?2)");
  statement.text(user.host).text(user.local).integer(stamp.time_since_epoch().count());
  statement.text(stanza).integer(bounded(stanza.size()));
  statement.integer(bounded(limits.count_max)).integer(bounded(limits.bytes_max));
  RONDEL_TRY_VOID(statement.run_blocking());
  if (connection_.changed_rows() == 0) {
    return store::fail(store::Failure::full,
                       "the limit of offline stanzas of " + to_text(user) + " is reached");
  }
  return {};
}

StoreResult<std::vector<OfflineStanza>> Offline::fetch(const UserKey& user,
                                                       std::uint64_t after_id,
                                                       std::size_t limit) {
  Statement statement(connection_,
                      "SELECT id, stamp, stanza FROM offline_stanza"
                      " WHERE host = ? AND local = ? AND id > ? ORDER BY id LIMIT ?");
  statement.text(user.host).text(user.local).integer(bounded(after_id)).integer(bounded(limit));
  std::vector<OfflineStanza> page;
  for (;;) {
    RONDEL_TRY(const bool has_row, statement.step_blocking());
    if (!has_row) {
      return page;
    }
    page.push_back({static_cast<std::uint64_t>(statement.integer_at(0)),
                    store::Timestamp(std::chrono::milliseconds(statement.integer_at(1))),
                    statement.bytes_at(2)});
  }
}

StoreResult<void> Offline::remove_through(const UserKey& user, std::uint64_t id) {
  Statement statement(connection_,
                      "DELETE FROM offline_stanza WHERE host = ? AND local = ? AND id <= ?");
  return statement.text(user.host).text(user.local).integer(bounded(id)).run_blocking();
}

StoreResult<void> Offline::remove(const UserKey& user, const std::vector<std::uint64_t>& ids) {
  Statement statement(connection_,
                      "DELETE FROM offline_stanza WHERE host = ? AND local = ? AND id = ?");
  for (const std::uint64_t id : ids) {
    statement.text(user.host).text(user.local).integer(bounded(id));
    RONDEL_TRY_VOID(statement.run_again_blocking());
  }
  return {};
}

StoreResult<std::uint64_t> Offline::count(const UserKey& user) {
  Statement statement(connection_,
                      "SELECT count(*) FROM offline_stanza WHERE host = ? AND local = ?");
  RONDEL_TRY_VOID(statement.text(user.host).text(user.local).step_blocking());
  return static_cast<std::uint64_t>(statement.integer_at(0));
}

}  // namespace rondel::modules::store_sqlite
