// Small private data in PostgreSQL.
#pragma once

#include "modules/store-postgresql/connection.h"
#include "store/blocking.h"

namespace rondel::modules::store_postgresql {

/// Thread: the connection's.
class KeyValues final : public store::BlockingKeyValues {
 public:
  explicit KeyValues(std::unique_ptr<Connection>& connection) : connection_(connection) {}

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
  std::unique_ptr<Connection>& connection_;  ///< The worker's of the moment.
};

}  // namespace rondel::modules::store_postgresql
