#include "modules/store-sqlite/key_values.h"

namespace rondel::modules::store_sqlite {

using store::UserKey;

StoreResult<std::string> KeyValues::get(const UserKey& user,
                                        const std::string& space,
                                        const std::string& key) {
  Statement statement(connection_,
                      "SELECT value FROM key_value"
                      " WHERE host = ? AND local = ? AND space = ? AND key = ?");
  statement.text(user.host).text(user.local).text(space).text(key);
  RONDEL_TRY(const bool has_row, statement.step_blocking());
  if (!has_row) {
    return store::fail(store::Failure::not_found, "no value '" + key + "' of " + to_text(user));
  }
  return statement.bytes_at(0);
}

StoreResult<void> KeyValues::put(const UserKey& user,
                                 const std::string& space,
                                 const std::string& key,
                                 const std::string& value) {
  Statement statement(connection_,
                      "INSERT INTO key_value VALUES (?, ?, ?, ?, ?)"
                      " ON CONFLICT DO UPDATE SET value = excluded.value");
  statement.text(user.host).text(user.local).text(space).text(key).blob(value);
  return statement.run_blocking();
}

StoreResult<void> KeyValues::remove(const UserKey& user,
                                    const std::string& space,
                                    const std::string& key) {
  Statement statement(connection_,
                      "DELETE FROM key_value"
                      " WHERE host = ? AND local = ? AND space = ? AND key = ?");
  return statement.text(user.host).text(user.local).text(space).text(key).run_blocking();
}

StoreResult<std::vector<store::KeyValue>> KeyValues::list(const UserKey& user) {
  Statement statement(connection_,
                      "SELECT space, key, value FROM key_value WHERE host = ? AND local = ?"
                      " ORDER BY space, key");
  statement.text(user.host).text(user.local);
  std::vector<store::KeyValue> all;
  for (;;) {
    RONDEL_TRY(const bool has_row, statement.step_blocking());
    if (!has_row) {
      return all;
    }
    all.push_back({statement.bytes_at(0), statement.bytes_at(1), statement.bytes_at(2)});
  }
}

}  // namespace rondel::modules::store_sqlite
