// The derivations of TLS 1.3 without OpenSSL's look-ups by name; for this room's sources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace rondel::tls {

/// The hashes of the cipher suites of TLS 1.3.
enum class KeyHash : std::uint8_t { sha256, sha384 };

[[nodiscard]] constexpr std::size_t hash_bytes(KeyHash hash) {
  return hash == KeyHash::sha256 ? 32 : 48;
}
inline constexpr std::size_t kHashBytesMax = 48;
inline constexpr std::string_view kLabelPrefix = "tls13 ";

/// HMAC of the parts, one behind the other, into the first hash_bytes() of `out`, which may be
/// `key`. Source: RFC 2104.
void hmac(KeyHash hash,
          std::span<const std::byte> key,
          std::initializer_list<std::span<const std::byte>> parts,
          std::span<std::byte> out);

/// HKDF-Expand-Label; false, and nothing written, if something is too long for it. Source: RFC 8446
/// §7.1.
///
/// Limits: `prefix` and `label` 255 bytes together, `context` 255, `out` 255 hashes.
[[nodiscard]] bool try_expand_label(KeyHash hash,
                                    std::span<const std::byte> secret,
                                    std::string_view prefix,
                                    std::string_view label,
                                    std::span<const std::byte> context,
                                    std::span<std::byte> out);

/// The hash of nothing, which the derivation of a stage from the one before takes as its context.
[[nodiscard]] std::span<const std::byte> empty_hash(KeyHash hash);

}  // namespace rondel::tls
