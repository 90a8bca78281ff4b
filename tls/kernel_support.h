// What the running kernel can do for TLS records; DESIGN §6.
#pragma once

#include <cstddef>
#include <string>

namespace rondel::tls {

/// What an idle connection on the kernel engine costs, in the kernel. Units: bytes, measured
/// on 6.1.
inline constexpr std::size_t kKernelBytesPerConnection = 12 * 1024;

/// Found out by trying on a loopback connection, not by version number.
struct KernelSupport {
  bool has_ulp = false;  ///< TCP_ULP takes "tls".
  bool has_aes_128_gcm = false;
  bool has_aes_256_gcm = false;
  bool has_chacha20_poly1305 = false;
  bool can_rekey = false;  ///< Keys can be set again (Linux 6.14 and later): KeyUpdate is followed.
  std::string description;  ///< A line for the log; where there is none, what would change that.

  /// True if the kernel engine can carry any connection at all.
  [[nodiscard]] bool is_usable() const {
    return has_ulp && (has_aes_128_gcm || has_aes_256_gcm || has_chacha20_poly1305);
  }
};

/// Tries the kernel once, now. Takes a millisecond and blocks: for the start.
/// Errors: none; what cannot be tried is not there, and `description` says why.
[[nodiscard]] KernelSupport probe_kernel_tls();

/// The result of the first call in this process, for all threads. Call it at start.
[[nodiscard]] const KernelSupport& kernel_support();

}  // namespace rondel::tls
