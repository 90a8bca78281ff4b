// Certificates for tests, issued on the spot into a temporary folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tls/openssl_handle.h"
#include "tls/options.h"

namespace rondel::tls {

enum class KeyKind { ec_p256, rsa_2048, rsa_1024, ed25519 };

/// What a test wants of a certificate.
struct Wanted {
  std::vector<std::string> names;
  KeyKind key = KeyKind::ec_p256;
  int valid_from_days = -1;
  int valid_until_days = 365;
  std::string hash = "SHA256";  ///< Of the issuer's signature.
};

/// A root, an intermediate, and what the intermediate issues; gone with the object.
class TestPki {
 public:
  explicit TestPki(KeyKind issuer_key = KeyKind::ec_p256);
  ~TestPki();
  TestPki(const TestPki&) = delete;
  TestPki& operator=(const TestPki&) = delete;

  /// Writes `<label>.crt` (leaf, intermediate) and `<label>.key`; `host` is wanted.names[0].
  HostCertificate issue(const std::string& label, const Wanted& wanted);
  /// The certificate that was issued last.
  [[nodiscard]] x509_st* last() const { return last_.get(); }
  [[nodiscard]] x509_st* root() const { return root_.get(); }
  /// The issuer of everything, for a test that signs something itself.
  [[nodiscard]] x509_st* intermediate() const { return intermediate_.get(); }
  [[nodiscard]] evp_pkey_st* intermediate_key() const { return intermediate_key_.get(); }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }
  std::string write(const std::string& name, const std::string& text) const;
  [[nodiscard]] std::string read(const std::string& name) const;

 private:
  std::filesystem::path folder_;
  OpensslPtr<evp_pkey_st> root_key_;
  OpensslPtr<evp_pkey_st> intermediate_key_;
  OpensslPtr<x509_st> root_;
  OpensslPtr<x509_st> intermediate_;
  OpensslPtr<x509_st> last_;
};

}  // namespace rondel::tls
