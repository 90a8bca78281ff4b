// An account and the credentials that authentication compares against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
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

/// What a proof other than a password is compared with. The numbers are stored: they never change.
enum class BindingKind : std::uint8_t {
  certificate_fingerprint = 1,  ///< SHA-256 of the DER certificate, 64 lower-case hex digits.
  certificate_name = 2,         ///< "xmpp:local@domain", "email:address" or "cn:name".
  principal = 3,                ///< A Kerberos principal, "name@REALM".
};

/// "certificate_fingerprint" and so on, for messages and JSON.
[[nodiscard]] std::string_view binding_kind_name(BindingKind kind);

/// Limits: kBindingBytesMax bytes, without NUL.
inline constexpr std::size_t kBindingBytesMax = 1023;
/// Of one account.
inline constexpr std::size_t kBindingsMax = 64;

/// A certificate or a principal that belongs to an account. Storages compare bytes.
struct Binding {
  Binding() = default;
  Binding(BindingKind what, std::string bound) : kind(what), value(std::move(bound)) {}

  BindingKind kind = BindingKind::certificate_fingerprint;
  std::string value;

  friend bool operator==(const Binding&, const Binding&) = default;
  friend auto operator<=>(const Binding&, const Binding&) = default;
};

/// Errors: invalid, if the value has not the form that its kind asks for, or is too long.
[[nodiscard]] StoreResult<void> check_binding(const Binding& binding);

/// Everything an account can be authenticated with. Limits: one SCRAM credential for each hash.
///
/// The two kinds have lives of their own: passwords are set by create, create_many and
/// set_credentials, which take a set without bindings and leave those of the account alone;
/// bindings come and go by bind and unbind. Reading gives both.
struct CredentialSet {
  CredentialSet() = default;
  explicit CredentialSet(std::vector<ScramCredential> keys) : scram(std::move(keys)) {}

  std::vector<ScramCredential> scram;
  std::vector<Binding> bindings;  ///< By kind, then value.

  friend bool operator==(const CredentialSet&, const CredentialSet&) = default;
};

/// Of a set that is to be written.
///
/// Errors: invalid, if a hash comes twice, iterations are 0, a salt or key is empty, or there are
/// bindings.
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
