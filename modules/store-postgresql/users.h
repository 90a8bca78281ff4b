// Accounts, credentials and bindings in PostgreSQL.
#pragma once

#include "modules/store-postgresql/connection.h"
#include "store/blocking.h"

namespace rondel::modules::store_postgresql {

/// Thread: the connection's.
class Users final : public store::BlockingUsers {
 public:
  explicit Users(std::unique_ptr<Connection>& connection) : connection_(connection) {}

  StoreResult<store::Account> lookup(const store::UserKey& user) override;
  StoreResult<store::AccountWithCredentials> credentials(const store::UserKey& user) override;
  StoreResult<void> create(const store::UserKey& user,
                           const store::CredentialSet& credentials) override;
  StoreResult<store::ImportOutcome> create_many(const std::vector<store::NewUser>& users) override;
  StoreResult<void> set_credentials(const store::UserKey& user,
                                    const store::CredentialSet& credentials) override;
  StoreResult<void> set_state(const store::UserKey& user, store::AccountState state) override;
  StoreResult<void> remove(const store::UserKey& user) override;
  StoreResult<std::vector<store::Account>> list(const std::string& host,
                                                const std::string& after_local,
                                                std::size_t limit) override;
  StoreResult<std::uint64_t> count(const std::string& host) override;
  StoreResult<void> bind(const store::UserKey& user, const store::Binding& binding) override;
  StoreResult<void> unbind(const store::UserKey& user, const store::Binding& binding) override;
  StoreResult<std::vector<store::UserKey>> find_bound(const std::string& host,
                                                      const store::Binding& binding) override;
  StoreResult<void> restore(const store::AccountWithCredentials& account) override;

 private:
  StoreResult<Rows> run(const Query& query) { return connection_->run_blocking(query); }

  std::unique_ptr<Connection>& connection_;  ///< The worker's of the moment.
};

/// Everything of the user in every table; no error if there was nothing. Posts.
void erase_user(Connection& connection, const store::UserKey& user);

}  // namespace rondel::modules::store_postgresql
