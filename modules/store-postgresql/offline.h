// Offline stanzas in PostgreSQL.
#pragma once

#include "modules/store-postgresql/connection.h"
#include "store/blocking.h"

namespace rondel::modules::store_postgresql {

/// Thread: the connection's.
class Offline final : public store::BlockingOffline {
 public:
  explicit Offline(std::unique_ptr<Connection>& connection) : connection_(connection) {}

  StoreResult<void> add(const store::UserKey& user,
                        const std::string& stanza,
                        store::Timestamp stamp,
                        store::OfflineLimits limits) override;
  StoreResult<std::vector<store::OfflineStanza>> fetch(const store::UserKey& user,
                                                       std::uint64_t after_id,
                                                       std::size_t limit) override;
  StoreResult<void> remove_through(const store::UserKey& user, std::uint64_t id) override;
  StoreResult<void> remove(const store::UserKey& user,
                           const std::vector<std::uint64_t>& ids) override;
  StoreResult<std::uint64_t> count(const store::UserKey& user) override;

 private:
  std::unique_ptr<Connection>& connection_;  ///< The worker's of the moment.
};

}  // namespace rondel::modules::store_postgresql
