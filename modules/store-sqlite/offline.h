// Offline stanzas in SQLite.
#pragma once

#include "modules/store-sqlite/connection.h"
#include "store/blocking.h"

namespace rondel::modules::store_sqlite {

/// Thread: the connection's.
class Offline final : public store::BlockingOffline {
 public:
  explicit Offline(Connection& connection) : connection_(connection) {}

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
  Connection& connection_;
};

}  // namespace rondel::modules::store_sqlite
