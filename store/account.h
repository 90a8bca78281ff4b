// An account and the credentials that authentication compares against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "store/timestamp.h"
#include "store/user_key.h"
#include "xmpp/sasl/scram_key.h"

namespace rondel::store {

enum class AccountState : std::uint8_t {
  active,
  disabled,  ///< May not log in; the data stays.
};

struct Account {
  UserKey user;
  AccountState state = AccountState::active;
  Timestamp created{};
  Timestamp password_changed{};

  friend bool operator==(const Account&, const Account&) = default;
};

using xmpp::ScramHash;

/// What is kept of a password. Source: RFC 5802 §3. Strings are raw bytes, not base64.
struct ScramCredential {
  ScramHash hash = ScramHash::sha_256;
  std::uint32_t iterations = 0;
  std::string salt;
  std::string stored_key;
  std::string server_key;

  friend bool operator==(const ScramCredential&, const ScramCredential&) = default;
};

/// Everything an account can be authenticated with. Limits: one SCRAM credential for each hash.
struct CredentialSet {
  CredentialSet() = default;
  explicit CredentialSet(std::vector<ScramCredential> keys) : scram(std::move(keys)) {}

  std::vector<ScramCredential> scram;

  friend bool operator==(const CredentialSet&, const CredentialSet&) = default;
};

/// Errors: invalid, if a hash comes twice, iterations are 0, or a salt or key is empty.
[[nodiscard]] StoreResult<void> check_credentials(const CredentialSet& credentials);

struct AccountWithCredentials {
  Account account;
  CredentialSet credentials;  ///< SCRAM in the order of the hash values.
};

struct NewUser {
  NewUser(UserKey key, CredentialSet set) : user(std::move(key)), credentials(std::move(set)) {}

  UserKey user;
  CredentialSet credentials;
};

/// What a bulk import did.
struct ImportOutcome {
  std::size_t created = 0;
  std::vector<UserKey> existing;  ///< Were there already (or came twice); left as they are.
};

}  // namespace rondel::store
