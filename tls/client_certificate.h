// A client's certificate, judged and read: the little that authentication needs of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tls/openssl_handle.h"

namespace rondel::tls {

/// What a client's certificate is worth. The handshake goes on with any: other ways to authenticate
/// may still be open.
enum class CertificateTrust : std::uint8_t {
  verified,        ///< A trust anchor leads to it, and nothing speaks against it.
  unknown_issuer,  ///< Self-signed, or of an authority that is not ours; else in order.
  out_of_date,     ///< It, or what leads to it, has expired or is not valid yet.
  revoked,
  refused,  ///< Anything else: not for clients, too weak, a broken chain, no list of its issuer.
};
[[nodiscard]] std::string_view trust_name(CertificateTrust trust);

/// Whoever shook hands has the key of this certificate; what its names are worth, `trust` says.
struct ClientCertificate {
  CertificateTrust trust = CertificateTrust::refused;
  std::string reason;       ///< Why it is not verified, for the log; empty if it is.
  std::string fingerprint;  ///< SHA-256 of its DER form: 64 digits, lower case.
  /// id-on-xmppAddr names, each once, not prepared. Source: RFC 6120 §13.7.1.4.
  std::vector<std::string> xmpp_addresses;
  std::vector<std::string> emails;  ///< rfc822Name, each once.
  std::string common_name;          ///< Of the subject; empty if it has none, or several.
  /// The first end in the chain of a verified one; else its own.
  std::chrono::system_clock::time_point valid_until;
};

/// Names beyond this many of a kind, and longer ones, are passed over.
inline constexpr std::size_t kCertificateNamesMax = 32;
inline constexpr std::size_t kCertificateNameBytesMax = 1000;

/// Reads names, fingerprint and end; trust and reason are left to ClientTrust::judge().
///
/// A name with a NUL, a control character, or of another ASN.1 type than its own counts as none.
[[nodiscard]] ClientCertificate read_client_certificate(const x509_st& certificate);

/// The same of a certificate's DER bytes, which nobody has proven to have the key of.
/// Errors: the bytes are not exactly one certificate.
[[nodiscard]] base::Result<ClientCertificate> read_client_certificate(std::string_view der);

}  // namespace rondel::tls
