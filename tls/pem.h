// Reads certificates and keys from PEM files; for this room's sources.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "tls/certificate.h"
#include "tls/openssl_handle.h"

namespace rondel::tls {

/// A certificate and what leads from it towards a root.
struct CertificateChain {
  OpensslPtr<x509_st> leaf;
  std::vector<OpensslPtr<x509_st>> intermediates;

  /// What is odd about the order of the chain, as a half sentence; empty: nothing.
  [[nodiscard]] std::string disorder() const;
};

/// Longer files are refused: a chain or a key is some KiB.
inline constexpr std::size_t kPemBytesMax = 1024 * 1024;

/// A file's bytes. Errors: path and reason, also for a file that is longer than `size_max`.
[[nodiscard]] base::Result<std::string> read_file_blocking(const std::string& path,
                                                           std::size_t size_max);
/// Errors: path and reason, for an unreadable file, no certificate in it, a broken certificate.
[[nodiscard]] base::Result<CertificateChain> read_chain(const std::string& path);
/// Errors: path and reason, also for an encrypted key.
[[nodiscard]] base::Result<OpensslPtr<evp_pkey_st>> read_key(const std::string& path);
/// The facts of a certificate that came from `path`.
[[nodiscard]] CertificateInfo describe(const x509_st& certificate, const std::string& path);

}  // namespace rondel::tls
