// The face of user storage: accounts and their credentials.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "store/account.h"

namespace rondel::store {

/// Accounts of a shard's hosts; every login asks it.
///
/// Errors: every operation may answer unavailable, and invalid for a key that can't be a user's.
/// Thread: the shard that attached the session. Owner: the StorageSession.
class UserStore {
 public:
  virtual ~UserStore() = default;

  /// Errors: not_found.
  virtual StoreTask<Account> lookup(UserKey user) = 0;
  /// Account and credentials of one moment. Errors: not_found.
  virtual StoreTask<AccountWithCredentials> credentials(UserKey user) = 0;

  /// An active account. Errors: conflict if it exists.
  virtual StoreTask<void> create(UserKey user, CredentialSet credentials) = 0;
  /// Many accounts in one transaction: after an error none was created.
  virtual StoreTask<ImportOutcome> create_many(std::vector<NewUser> users) = 0;
  /// Replaces all credentials and sets the time of the change. Errors: not_found.
  virtual StoreTask<void> set_credentials(UserKey user, CredentialSet credentials) = 0;
  /// Errors: not_found.
  virtual StoreTask<void> set_state(UserKey user, AccountState state) = 0;
  /// The account and all that this storage holds of the user, in one transaction. Errors:
  /// not_found.
  virtual StoreTask<void> remove(UserKey user) = 0;

  /// Accounts whose local part sorts (by bytes) after `after_local`, at most `limit`, sorted.
  /// The first page is after ""; a page with less than `limit` accounts is the last.
  virtual StoreTask<std::vector<Account>> list(std::string host,
                                               std::string after_local,
                                               std::size_t limit) = 0;
  virtual StoreTask<std::uint64_t> count(std::string host) = 0;
};

}  // namespace rondel::store
