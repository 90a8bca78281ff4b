// The certificates that users have added to their accounts, as they are kept (XEP-0257).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rondel::modules::auth_external {

/// All of a user's certificates are one value of the key-value storage.
inline constexpr std::size_t kOwnCertificatesMax = 20;
inline constexpr std::size_t kCertificateBytesMax = 8 * 1024;
inline constexpr std::size_t kCertificateLabelBytesMax = 256;

struct OwnCertificate {
  std::string label;  ///< The user's own name for it; one certificate of the user has it.
  std::string fingerprint;
  std::string der;
  bool may_manage = true;  ///< False: who logs in by it may not add and remove certificates.

  friend bool operator==(const OwnCertificate&, const OwnCertificate&) = default;
};

[[nodiscard]] std::string to_text(const std::vector<OwnCertificate>& certificates);
/// Lines that are not ours are passed over.
[[nodiscard]] std::vector<OwnCertificate> parse_own_certificates(std::string_view text);

}  // namespace rondel::modules::auth_external
