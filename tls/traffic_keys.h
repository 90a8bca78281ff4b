// The keys of one direction of a TLS 1.3 connection; for this room's sources.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tls/key_derivation.h"

namespace rondel::tls {

/// The AEADs of TLS 1.3 that compact and kernel records know.
enum class Aead : std::uint8_t { aes_128_gcm, aes_256_gcm, chacha20_poly1305 };

/// By the standard name of a cipher suite; absent for any other one.
[[nodiscard]] std::optional<Aead> aead_of(std::string_view cipher);
[[nodiscard]] constexpr std::size_t key_bytes(Aead aead) {
  return aead == Aead::aes_128_gcm ? 16 : 32;
}
[[nodiscard]] constexpr KeyHash hash_of(Aead aead) {
  return aead == Aead::aes_256_gcm ? KeyHash::sha384 : KeyHash::sha256;
}
/// Of its hash, which is the length of a traffic secret.
[[nodiscard]] constexpr std::size_t secret_bytes(Aead aead) {
  return hash_bytes(hash_of(aead));
}
inline constexpr std::size_t kSecretBytesMax = 48;
inline constexpr std::size_t kIvBytes = 12;

/// Records under one key before it is changed. AES-GCM bears 2^24.5 full ones.
/// Source: RFC 8446 §5.5.
inline constexpr std::uint64_t kRecordsPerKeyMax = 1ULL << 24;

/// Secret, key, nonce and number of the next record; wipes itself.
struct TrafficKeys {
  std::array<std::byte, kSecretBytesMax> secret{};
  std::array<std::byte, 32> key{};
  std::array<std::byte, kIvBytes> iv{};
  std::uint64_t sequence = 0;

  TrafficKeys() = default;
  TrafficKeys(const TrafficKeys&) = delete;
  TrafficKeys& operator=(const TrafficKeys&) = delete;
  ~TrafficKeys() { wipe(); }

  /// Source: RFC 8446 §7.3.
  void start(Aead aead, std::span<const std::byte> first_secret, std::uint64_t first_sequence);
  /// Goes to the next generation. Source: RFC 8446 §7.2.
  void update(Aead aead);
  /// For a kernel that has the key and may be given the next one.
  void wipe_all_but_secret();
  void wipe();
};

/// HKDF-Expand-Label with an empty context. Source: RFC 8446 §7.1.
void expand_label(Aead aead,
                  std::span<const std::byte> secret,
                  std::string_view label,
                  std::span<std::byte> out);

}  // namespace rondel::tls
