// Rosters in PostgreSQL.
#pragma once

#include "modules/store-postgresql/connection.h"
#include "store/blocking.h"

namespace rondel::modules::store_postgresql {

/// Thread: the connection's.
class Rosters final : public store::BlockingRosters {
 public:
  explicit Rosters(std::unique_ptr<Connection>& connection) : connection_(connection) {}

  StoreResult<store::Roster> load(const store::UserKey& user) override;
  StoreResult<std::uint64_t> change(const store::UserKey& user,
                                    const std::vector<store::RosterChange>& changes) override;
  StoreResult<void> restore(const store::UserKey& user, const store::Roster& roster) override;

 private:
  void put(const store::UserKey& user, const store::RosterItem& item, std::uint64_t version);
  void note_removal(const store::UserKey& user, const std::string& jid, std::uint64_t version);

  std::unique_ptr<Connection>& connection_;  ///< The worker's of the moment.
};

}  // namespace rondel::modules::store_postgresql
