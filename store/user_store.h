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
/// Errors: every operation may answer unavailable, and invalid for a key that can't be a user's;
/// one that writes answers unsupported where is_writable() is false.
/// Thread: the shard that attached the session. Owner: the StorageSession.
class UserStore {
 public:
  virtual ~UserStore() = default;

  /// Errors: not_found.
  virtual StoreTask<Account> lookup(UserKey user) = 0;
  /// Account, credentials and bindings of one moment. Errors: not_found.
  virtual StoreTask<AccountWithCredentials> credentials(UserKey user) = 0;

  /// An active account. Errors: conflict if it exists.
  virtual StoreTask<void> create(UserKey user, CredentialSet credentials) = 0;
  /// Many accounts in one transaction: after an error none was created.
  virtual StoreTask<ImportOutcome> create_many(std::vector<NewUser> users) = 0;
  /// Replaces the password's keys, not the bindings, and sets the time of the change. Errors:
  /// not_found.
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

  /// Makes a certificate or a principal the account's; no error if it is already.
  /// Errors: not_found, conflict if another account of the host has it, full at kBindingsMax.
  virtual StoreTask<void> bind(UserKey user, Binding binding);
  /// Errors: not_found, if the account isn't there or hasn't this binding.
  virtual StoreTask<void> unbind(UserKey user, Binding binding);
  /// Whose it is, sorted; nobody's is an empty list. More than one only in directories that others
  /// write: whoever authenticates then chooses by the authzid, or refuses.
  virtual StoreTask<std::vector<UserKey>> find_bound(std::string host, Binding binding);

  /// True if credentials() can't give the keys of a password, but check_password() can compare one
  /// (a directory that is asked by a bind). Never changes; no question to the storage.
  [[nodiscard]] virtual bool compares_passwords() const { return false; }
  /// False for a wrong password and for an account that isn't there, which take the same time.
  /// Errors: unsupported, where compares_passwords() is false.
  virtual StoreTask<bool> check_password(UserKey user, std::string password);
  /// False if accounts are written elsewhere. Never changes; no question to the storage.
  [[nodiscard]] virtual bool is_writable() const { return true; }
};

/// The error of an operation that writes, where is_writable() is false.
[[nodiscard]] base::Unexpected<StoreError> fail_read_only();

}  // namespace rondel::store
