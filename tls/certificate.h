// What people want to know about a certificate: whose it is and until when.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rondel::tls {

/// The facts of one certificate, for status and log.
struct CertificateInfo {
  using TimePoint = std::chrono::system_clock::time_point;

  std::string path;
  std::string subject;             ///< RFC 2253 text.
  std::string issuer;              ///< RFC 2253 text.
  std::vector<std::string> names;  ///< DNS names of the subjectAltName, lower case.
  std::string key_type;            ///< As "RSA 2048" or "EC P-256".
  std::string fingerprint;         ///< SHA-256 of the certificate, hexadecimal.
  TimePoint valid_from;
  TimePoint valid_until;
  bool is_self_signed = false;

  /// Whole days until expiry, rounded down; negative after it.
  [[nodiscard]] int days_left(TimePoint now) const;
  /// True if one of the names, or a wildcard among them, covers `host`.
  /// Source: RFC 9525 §6.3; the common name is not looked at.
  [[nodiscard]] bool covers(std::string_view host) const;
  /// What an operator should be told about its dates; empty if there is nothing.
  [[nodiscard]] std::string expiry_notice(TimePoint now, int warning_days) const;
};

/// Reads the first certificate of a PEM file.
/// Errors: one sentence with path and reason.
[[nodiscard]] base::Result<CertificateInfo> read_certificate(const std::string& path);

/// True if `pattern`, a DNS name or "*." and one, matches `host`; both in lower case.
/// Source: RFC 9525 §6.3: the wildcard stands for exactly one whole leftmost label.
[[nodiscard]] bool name_matches(std::string_view pattern, std::string_view host);

}  // namespace rondel::tls
