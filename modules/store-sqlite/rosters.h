// Rosters in SQLite.
#pragma once

#include "modules/store-sqlite/connection.h"
#include "store/blocking.h"

namespace rondel::modules::store_sqlite {

/// Thread: the connection's.
class Rosters final : public store::BlockingRosters {
 public:
  explicit Rosters(Connection& connection) : connection_(connection) {}

  StoreResult<store::Roster> load(const store::UserKey& user) override;
  StoreResult<std::uint64_t> change(const store::UserKey& user,
                                    const std::vector<store::RosterChange>& changes) override;
  StoreResult<void> restore(const store::UserKey& user, const store::Roster& roster) override;

 private:
  StoreResult<void> load_items(const store::UserKey& user, store::Roster& roster);
  StoreResult<void> load_groups(const store::UserKey& user, store::Roster& roster);
  StoreResult<void> load_removals(const store::UserKey& user, store::Roster& roster);
  StoreResult<std::uint64_t> next_version(const store::UserKey& user);
  StoreResult<bool> is_listed(const store::UserKey& user, const std::string& jid);
  StoreResult<void> put(const store::UserKey& user,
                        const store::RosterItem& item,
                        std::uint64_t version);
  StoreResult<void> remove(const store::UserKey& user, const std::string& jid);
  StoreResult<void> add_removal(const store::UserKey& user,
                                const std::string& jid,
                                std::uint64_t version);
  StoreResult<void> drop_removal(const store::UserKey& user, const std::string& jid);
  /// Keeps the newest kRosterRemovalsMax.
  StoreResult<void> bound_removals(const store::UserKey& user);

  Connection& connection_;
};

}  // namespace rondel::modules::store_sqlite
