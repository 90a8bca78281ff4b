// Which certificates are in use; for status.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

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
};

}  // namespace rondel::api
