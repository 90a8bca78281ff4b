// What ties a login to the encrypted connection that it runs in; for this room's sources.
#pragma once

#include <optional>
#include <string>

#include "tls/openssl_handle.h"

namespace rondel::tls {

/// The hash of a certificate by its signature's hash, with MD5 and SHA-1 raised to SHA-256.
/// Absent where the signature names none (Ed25519). Source: RFC 5929 §4.1.
[[nodiscard]] std::optional<std::string> end_point_hash(const x509_st& certificate);

/// Source: RFC 9266 §2 and §4.2: 32 bytes; for TLS 1.2 only with extended master secret.
[[nodiscard]] std::optional<std::string> export_channel_binding(ssl_st& ssl);

}  // namespace rondel::tls
