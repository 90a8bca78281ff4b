// What an authority says about a certificate's revocation, stapled to handshakes; for this room's
// sources.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "base/result.h"
#include "tls/pem.h"

namespace rondel::tls {

/// A response about one certificate. Source: RFC 6960 §4.2.
struct OcspResponse {
  using TimePoint = std::chrono::system_clock::time_point;

  std::string path;
  std::string der;  ///< As it came, and as it goes to clients.
  std::string certificate_path;
  bool is_good = false;   ///< False: revoked, or not known to the authority.
  TimePoint valid_from;   ///< thisUpdate.
  TimePoint valid_until;  ///< nextUpdate; the greatest where the authority names none.

  /// False: clients would break off over it, so it's better not sent.
  [[nodiscard]] bool is_current(TimePoint now) const;
  /// What an operator should be told about it; empty if there is nothing.
  [[nodiscard]] std::string notice(TimePoint now) const;
};

/// Longer responses are refused: every handshake would carry them.
inline constexpr std::size_t kOcspBytesMax = 16 * 1024;

/// Reads the response about the first certificate of `chain`, which came from `certificate_path`.
///
/// Its signature is left to the clients, who know the authority.
/// Errors: path and reason, for an unreadable file, something else than one whole successful
/// response, or one about other certificates.
[[nodiscard]] base::Result<OcspResponse> read_ocsp_response(const std::string& path,
                                                            const CertificateChain& chain,
                                                            const std::string& certificate_path);

}  // namespace rondel::tls
