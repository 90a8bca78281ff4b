// One AEAD of OpenSSL's in one direction, asked at its provider; for this room's sources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tls/traffic_keys.h"

namespace rondel::tls {

/// What seals or opens one message after the other with one key, or a new one for each.
///
/// OpenSSL's EVP functions ask the provider by name for the lengths of key and nonce with each
/// message, which with their own book-keeping is a third of what a short record costs. Here the
/// provider that EVP would choose is called directly, by its public interface. Every function is
/// false where OpenSSL fails. Thread: one. Source: provider-cipher(7).
class AeadContext {
 public:
  enum class Direction : std::uint8_t { sealing, opening };

  AeadContext(Aead aead, Direction direction);
  ~AeadContext();
  AeadContext(const AeadContext&) = delete;
  AeadContext& operator=(const AeadContext&) = delete;

  /// The next message. No key (empty): the one before serves on.
  [[nodiscard]] bool begin(std::span<const std::byte> key, std::span<const std::byte> nonce);
  /// What is authenticated and not encrypted; before any other bytes of the message.
  [[nodiscard]] bool authenticate(std::span<const std::byte> bytes);
  /// As many bytes to `out`, which may be where `in` is; in pieces of any size.
  [[nodiscard]] bool update(std::span<const std::byte> in, std::byte* out);
  /// Ends a message that was sealed, and gives its tag.
  [[nodiscard]] bool finish(std::span<std::byte> tag);
  /// Ends one that was opened: false unless all of it is authentic.
  [[nodiscard]] bool verify(std::span<const std::byte> tag);

 private:
  struct Functions;
  [[nodiscard]] static const Functions& functions_of(Aead aead);
  [[nodiscard]] bool end();

  const Functions& functions_;
  void* context_;
  Direction direction_;
};

}  // namespace rondel::tls
