// What the TLS room wants to be told: plain values, filled from the configuration by the server.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace rondel::tls {

class ClientTrust;

/// One certificate of one host; a host may have several (RSA and ECDSA side by side).
struct HostCertificate {
  std::string host;              ///< As configured; compared without case.
  std::string certificate_path;  ///< PEM: the certificate, then its intermediates.
  std::string key_path;          ///< PEM, not encrypted.
  /// DER: what the authority says about the certificate, for clients that ask; empty: nothing.
  std::string ocsp_response_path{};
};

/// What to do with a certificate or an OCSP response that has expired or is not valid yet, and with
/// a certificate that has been revoked.
enum class ExpiredCertificate : std::uint8_t {
  refuse,  ///< load() fails: for a reload, where the old certificate goes on serving.
  warn,    ///< load() warns: for the start, where an old certificate beats no server.
};

/// What every host has in common. An empty text means the built-in list.
struct TlsPolicy {
  std::string ciphers_tls12;  ///< OpenSSL names, colon-separated, TLS 1.2.
  std::string ciphers_tls13;  ///< OpenSSL names, colon-separated, TLS 1.3.
  std::string groups;         ///< Key exchange groups, best first.
  bool is_tls12_allowed = true;
  ExpiredCertificate expired = ExpiredCertificate::refuse;
  int expiry_warning_days = 14;
  int tickets = 1;  ///< Session tickets after a TLS 1.3 handshake, 0 to 2; 0: no resumption at all.
};

/// Who is to work on the records after the handshake; what cannot be had falls to the next.
enum class Records : std::uint8_t {
  automatic,  ///< The kernel where it can, then compact, then retained.
  kernel,    ///< The same, said out loud: a kernel without TLS is no reason to refuse a connection.
  compact,   ///< Compact on TLS 1.3, else retained.
  retained,  ///< OpenSSL keeps every connection.
};

/// How one connection came to TLS.
struct AcceptOptions {
  /// True: TLS from the first byte (XEP-0368), where an ALPN offer without `alpn` ends the
  /// handshake. False: after STARTTLS, where such an offer is ignored.
  bool is_direct = false;
  std::string_view alpn = "xmpp-client";  ///< Must live as long as the channel: a literal.
  Records records = Records::automatic;
  /// Set: the client is asked for a certificate, and may go without one.
  std::shared_ptr<const ClientTrust> client_trust{};
  /// Whom a client means that asks for no name or for one that nobody has: the stream's host.
  /// Empty: the first host. Source: RFC 6120 §5.4.3.1.
  std::string host{};
};

}  // namespace rondel::tls
