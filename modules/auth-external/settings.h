// The module's options as they hold for one host and interface.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "config/snapshot.h"
#include "modules/api/layer.h"

namespace rondel::modules::auth_external {

inline constexpr std::string_view kModuleName = "auth-external";

enum class NameKind : std::uint8_t { xmpp, email, common_name };

struct Settings {
  std::vector<NameKind> kinds;  ///< The first comes first.
  bool is_address_account = true;
  bool takes_any_issuer = false;
};

[[nodiscard]] Settings settings_of(const config::Options& options);

/// False: this certificate opens nothing, and EXTERNAL is not offered. Source: XEP-0178 §2;
/// XEP-0257 §3.
[[nodiscard]] bool may_authenticate(const api::ClientCertificate& certificate,
                                    const Settings& settings);

}  // namespace rondel::modules::auth_external
