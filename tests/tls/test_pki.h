// Certificates for tests, issued on the spot into a temporary folder.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
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
  /// Instead of the DNS names, as OpenSSL's configuration has it: "email:a@b,otherName:…;UTF8:…".
  std::string alternative_names{};
  /// Instead of all of them: one id-on-xmppAddr of these bytes.
  std::string raw_xmpp_address{};
  /// Instead of names[0] as common name: short names and values, a "+" before one that joins the
  /// RDN before it.
  std::vector<std::pair<std::string, std::string>> subject{};
  std::string usage{};  ///< Of the key (extendedKeyUsage); empty: any.
  bool is_self_signed = false;
  bool is_by_root = false;
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
  /// Writes a list that revokes these certificates, signed by the intermediate, or by the root.
  std::string revoke(const std::string& name,
                     const std::vector<x509_st*>& revoked,
                     int until_days = 30,
                     bool is_by_root = false) const;
  /// Writes the root's certificate.
  [[nodiscard]] std::string root_file() const;
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
