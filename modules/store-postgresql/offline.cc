#include "modules/store-postgresql/offline.h"

#include "store/column_values.h"

namespace rondel::modules::store_postgresql {

using store::bounded;
using store::OfflineStanza;
using store::UserKey;

StoreResult<void> Offline::add(const UserKey& user,
                               const std::string& stanza,
                               store::Timestamp stamp,
                               store::OfflineLimits limits) {
  // octet_length() of a stored text is known without reading it.
  Query query(
      "INSERT INTO offline_stanza (host, local, stamp, stanza) SELECT $1, $2, $3, $4 WHERE"
      " (SELECT count(*) < $5 AND coalesce(sum(octet_length(stanza)), 0) + $6 <= $7"
      " FROM offline_stanza WHERE host = $1 AND local = $2)");
  query.text(user.host).text(user.local).integer(stamp.time_since_epoch().count());
  query.text(stanza).integer(bounded(limits.count_max));
  query.integer(bounded(stanza.size())).integer(bounded(limits.bytes_max));
  RONDEL_TRY(const Rows rows, connection_->run_blocking(query));
  if (rows.changed() == 0) {
    return store::fail(store::Failure::full,
                       "the limit of offline stanzas of " + to_text(user) + " is reached");
  }
  return {};
}

StoreResult<std::vector<OfflineStanza>> Offline::fetch(const UserKey& user,
                                                       std::uint64_t after_id,
                                                       std::size_t limit) {
  Query query(
      "SELECT id, stamp, stanza FROM offline_stanza"
      " WHERE host = $1 AND local = $2 AND id > $3 ORDER BY id LIMIT $4");
  query.text(user.host).text(user.local).integer(bounded(after_id)).integer(bounded(limit));
  RONDEL_TRY(const Rows rows, connection_->run_blocking(query));
  std::vector<OfflineStanza> page;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    page.push_back({static_cast<std::uint64_t>(rows.integer(row, 0)),
                    store::Timestamp(std::chrono::milliseconds(rows.integer(row, 1))),
                    rows.bytes(row, 2)});
  }
  return page;
}

StoreResult<void> Offline::remove_through(const UserKey& user, std::uint64_t id) {
  Query query("DELETE FROM offline_stanza WHERE host = $1 AND local = $2 AND id <= $3");
  RONDEL_TRY_VOID(
      connection_->run_blocking(query.text(user.host).text(user.local).integer(bounded(id))));
  return {};
}

StoreResult<void> Offline::remove(const UserKey& user, const std::vector<std::uint64_t>& ids) {
  std::vector<std::int64_t> numbers;
  for (const std::uint64_t id : ids) {
    numbers.push_back(bounded(id));
  }
  Query query("DELETE FROM offline_stanza WHERE host = $1 AND local = $2 AND id = ANY($3)");
  RONDEL_TRY_VOID(
      connection_->run_blocking(query.text(user.host).text(user.local).integers(numbers)));
  return {};
}

StoreResult<std::uint64_t> Offline::count(const UserKey& user) {
  Query query("SELECT count(*) FROM offline_stanza WHERE host = $1 AND local = $2");
  RONDEL_TRY(const Rows rows, connection_->run_blocking(query.text(user.host).text(user.local)));
  return static_cast<std::uint64_t>(rows.integer(0, 0));
}

}  // namespace rondel::modules::store_postgresql
