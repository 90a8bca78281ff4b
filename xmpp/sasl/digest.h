// Digests of SCRAM over OpenSSL; internal to the mechanisms.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "xmpp/sasl/scram_key.h"

namespace rondel::xmpp {

/// H(text).
[[nodiscard]] std::string digest(ScramHash hash, std::string_view text);
/// HMAC(key, text).
[[nodiscard]] std::string hmac(ScramHash hash, std::string_view key, std::string_view text);
/// Hi(password, salt, iterations), which is PBKDF2.
[[nodiscard]] std::string pbkdf2(ScramHash hash,
                                 std::string_view password,
                                 std::string_view salt,
                                 std::uint32_t iterations);
/// Byte by byte; both are of the same length.
[[nodiscard]] std::string exclusive_or(std::string_view a, std::string_view b);

}  // namespace rondel::xmpp
