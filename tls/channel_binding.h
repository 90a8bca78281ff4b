// What ties a login to the encrypted connection that it runs in; for this room's sources.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tls/client_certificate.h"
#include "tls/openssl_handle.h"

namespace rondel::tls {

/// The hash of a certificate by its signature's hash, with MD5 and SHA-1 raised to SHA-256.
/// Absent where the signature names none (Ed25519). Source: RFC 5929 §4.1.
[[nodiscard]] std::optional<std::string> end_point_hash(const x509_st& certificate);

/// Source: RFC 9266 §2 and §4.2: 32 bytes; for TLS 1.2 only with extended master secret.
[[nodiscard]] std::optional<std::string> export_channel_binding(ssl_st& ssl);

/// The same by the exporter master secret of TLS 1.3, of either hash. Source: RFC 8446 §7.5.
[[nodiscard]] std::string export_channel_binding(std::span<const std::byte> secret);

/// What logins may be tied to, until somebody has logged in. Owner: the channel.
class ChannelBindings {
 public:
  ChannelBindings() = default;
  ChannelBindings(const ChannelBindings&) = delete;
  ChannelBindings& operator=(const ChannelBindings&) = delete;
  ~ChannelBindings();

  /// What export_channel_binding() gave.
  void set_exporter(std::string_view value);
  /// What it is computed from, when it is asked for: the exporter master secret of TLS 1.3.
  void set_exporter_secret(std::span<const std::byte> secret);
  /// What end_point_hash() gave; empty: nothing.
  void set_end_point(std::string_view hash);

  [[nodiscard]] bool has_exporter() const { return exporter_size_ != 0; }
  [[nodiscard]] std::optional<std::string> exporter() const;
  [[nodiscard]] std::optional<std::string> end_point() const;

  std::unique_ptr<const ClientCertificate> client_certificate;  ///< Null: none was shown.

 private:
  void keep_exporter(std::span<const std::byte> bytes, bool is_secret);

  // Ten thousand connections that wait for a login keep these: small, and in one piece.
  bool is_exporter_secret_ = false;  ///< Or the value itself.
  std::uint8_t exporter_size_ = 0;   ///< 0: there is none.
  std::uint8_t end_point_size_ = 0;
  std::array<std::byte, 48> exporter_{};
  std::array<char, 64> end_point_{};
};

}  // namespace rondel::tls
