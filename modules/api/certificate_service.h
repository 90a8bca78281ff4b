// Which certificates are in use, for status; and what stands in one that somebody hands in.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modules/api/layer.h"

namespace rondel::api {

/// One certificate of one host, for people.
struct CertificateFacts {
  std::string host, path, subject, issuer;
  std::vector<std::string> names;  ///< DNS names that it is for.
  std::string key_type;            ///< "EC P-256".
  std::string fingerprint;         ///< SHA-256, hexadecimal.
  std::chrono::system_clock::time_point valid_from, valid_until;
  int days_left = 0;  ///< Whole days; negative after expiry.
  bool is_self_signed = false;
};

/// Provided on every shard by the module that encrypts.
///
/// Thread: the shard's. Owner: the module.
class CertificateService {
 public:
  static constexpr std::string_view kServiceName = "certificates";

  virtual ~CertificateService() = default;
  /// Those of new connections now, in the order of the hosts.
  [[nodiscard]] virtual std::vector<CertificateFacts> certificates() const = 0;
  /// What stands in a certificate in DER form, unverified; none if that is not exactly one.
  [[nodiscard]] virtual std::optional<ClientCertificate> read_certificate(
      std::string_view der) const = 0;
};

}  // namespace rondel::api
