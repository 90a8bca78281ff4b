// The keys that logins are compared against.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/task.h"
#include "modules/api/shard.h"
#include "xmpp/sasl/failure.h"
#include "xmpp/sasl/scram_key.h"

namespace rondel::modules::auth_internal {

/// Bytes of the secret that makes the salts of users who are not there.
inline constexpr std::size_t kSecretBytes = 32;

/// What a password is compared against, and what the same answer of the storage says of the
/// account.
struct FoundKey : xmpp::ScramKey {
  std::optional<store::Account> account;  ///< Nothing with a fake key.
};

/// Asks the user storage for the key of a user, every time.
///
/// Thread: the shard's. Owner: the module's state on the shard.
class KeySource {
 public:
  /// `proposed_secret` becomes a host's secret if its storage has none yet; the same on all shards,
  /// so that it does not matter which of them stores it.
  explicit KeySource(std::string proposed_secret);
  ~KeySource();

  /// The user's key of the first of `hashes` (not empty) that the storage has one of; else a fake
  /// key of the first hash with `iterations`, after the same questions to the storage.
  ///
  /// `username` is not prepared yet. Disabled accounts are answered like others: what may be done
  /// with an identity is the core's decision. Errors: temporary_auth_failure if the storage can't
  /// tell. Source: RFC 5802 §9, RFC 6120 §13.11.
  base::Task<base::Result<FoundKey, xmpp::SaslFailure>> find(api::HostStores stores,
                                                             std::string host,
                                                             std::string username,
                                                             std::vector<xmpp::ScramHash> hashes,
                                                             std::uint32_t iterations);

 private:
  base::Task<base::Result<std::string, xmpp::SaslFailure>> secret(api::HostStores stores,
                                                                  std::string host);

  std::string proposed_secret_;
  std::unordered_map<std::string, std::string> secrets_;  ///< By host; as many as there are hosts.
};

}  // namespace rondel::modules::auth_internal
