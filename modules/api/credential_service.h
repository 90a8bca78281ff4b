// Makes what is stored in place of a password; whoever sets a password uses it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/task.h"
#include "store/account.h"

namespace rondel::api {

/// Why a password gave no credentials.
enum class CredentialError : std::uint8_t {
  unusable,  ///< Empty, too long, not UTF-8, or with characters that SASLprep forbids.
  busy,      ///< Too many derivations are under way; a later try may succeed.
};

/// Provided on every shard by the module that authenticates with passwords.
///
/// Thread: the shard's. Owner: the module.
class CredentialService {
 public:
  static constexpr std::string_view kServiceName = "credentials";

  virtual ~CredentialService() = default;
  /// The keys of every hash that a login to `host` (normalised) may need, with the configured
  /// iterations; computed on a worker thread. The password is wiped.
  virtual base::Task<base::Result<store::CredentialSet, CredentialError>> derive(
      std::string host, std::string password) = 0;
};

}  // namespace rondel::api
