// The module's options as they hold for one host and interface.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/snapshot.h"
#include "modules/api/auth.h"
#include "xmpp/sasl/scram_key.h"

namespace rondel::modules::auth_internal {

inline constexpr std::string_view kModuleName = "auth-internal";

struct AuthSettings {
  std::vector<xmpp::ScramHash> hashes;  ///< Best first.
  bool has_plain = false;
  std::uint32_t iterations = 0;  ///< Of new keys, and of those of users who are not there.
};

[[nodiscard]] AuthSettings settings_of(const config::Options& options);

/// Every hash that a login to `host` (as written in the configuration) may need, over all its
/// interfaces; SHA-256 if there is only PLAIN. Best first.
[[nodiscard]] AuthSettings settings_of_host(const config::Snapshot& config, std::string_view host);

/// What to offer, best first: the forms with channel binding before those without.
[[nodiscard]] std::vector<std::string> offered_mechanisms(const AuthSettings& settings,
                                                          bool is_encrypted,
                                                          bool has_channel_binding);

/// What to offer where the user storage gives no keys and can only compare a password: PLAIN, also
/// if it isn't listed, as nothing else can work there.
[[nodiscard]] std::vector<std::string> mechanisms_of_comparing_storage(bool is_encrypted);

}  // namespace rondel::modules::auth_internal
