// Small private data in SQLite.
#pragma once

#include "modules/store-sqlite/connection.h"
#include "store/blocking.h"

namespace rondel::modules::store_sqlite {

/// Thread: the connection's.
class KeyValues final : public store::BlockingKeyValues {
 public:
  explicit KeyValues(Connection& connection) : connection_(connection) {}

  StoreResult<std::string> get(const store::UserKey& user,
                               const std::string& space,
                               const std::string& key) override;
  StoreResult<void> put(const store::UserKey& user,
                        const std::string& space,
                        const std::string& key,
                        const std::string& value) override;
  StoreResult<void> remove(const store::UserKey& user,
                           const std::string& space,
                           const std::string& key) override;
  StoreResult<std::vector<store::KeyValue>> list(const store::UserKey& user) override;

 private:
  Connection& connection_;
};

}  // namespace rondel::modules::store_sqlite
