#include "modules/store-postgresql/key_values.h"

namespace rondel::modules::store_postgresql {
namespace {

using store::UserKey;

/// What the digest is of; neither part holds NUL.
std::string name_of(const std::string& space, const std::string& key) {
  return space + '\0' + key;
}

}  // namespace

StoreResult<std::string> KeyValues::get(const UserKey& user,
                                        const std::string& space,
                                        const std::string& key) {
  const std::string name = name_of(space, key);
  Query query("SELECT value FROM key_value WHERE host = $1 AND local = $2 AND digest = sha256($3)");
  query.text(user.host).text(user.local).bytes(name);
  RONDEL_TRY(const Rows rows, connection_->run_blocking(query));
  if (rows.size() == 0) {
    return store::fail(store::Failure::not_found, "no value '" + key + "' of " + to_text(user));
  }
  return rows.bytes(0, 0);
}

StoreResult<void> KeyValues::put(const UserKey& user,
                                 const std::string& space,
                                 const std::string& key,
                                 const std::string& value) {
  const std::string name = name_of(space, key);
  Query query(
      "INSERT INTO key_value VALUES ($1, $2, sha256($3), $4, $5, $6)"
      " ON CONFLICT (host, local, digest) DO UPDATE SET value = excluded.value");
  query.text(user.host).text(user.local).bytes(name).text(space).text(key).bytes(value);
  RONDEL_TRY_VOID(connection_->run_blocking(query));
  return {};
}

StoreResult<void> KeyValues::remove(const UserKey& user,
                                    const std::string& space,
                                    const std::string& key) {
  const std::string name = name_of(space, key);
  Query query("DELETE FROM key_value WHERE host = $1 AND local = $2 AND digest = sha256($3)");
  RONDEL_TRY_VOID(connection_->run_blocking(query.text(user.host).text(user.local).bytes(name)));
  return {};
}

StoreResult<std::vector<store::KeyValue>> KeyValues::list(const UserKey& user) {
  Query query(
      "SELECT space, key, value FROM key_value WHERE host = $1 AND local = $2"
      " ORDER BY space, key");
  RONDEL_TRY(const Rows rows, connection_->run_blocking(query.text(user.host).text(user.local)));
  std::vector<store::KeyValue> all;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    all.push_back({rows.bytes(row, 0), rows.bytes(row, 1), rows.bytes(row, 2)});
  }
  return all;
}

}  // namespace rondel::modules::store_postgresql
