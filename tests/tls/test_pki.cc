#include "tests/tls/test_pki.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/check.h"

namespace rondel::tls {
namespace {

OpensslPtr<evp_pkey_st> make_key(KeyKind kind) {
  switch (kind) {
    case KeyKind::ec_p256:
      return OpensslPtr<evp_pkey_st>(EVP_EC_gen("P-256"));
    case KeyKind::rsa_2048:
      return OpensslPtr<evp_pkey_st>(EVP_RSA_gen(2048));
    case KeyKind::rsa_1024:
      return OpensslPtr<evp_pkey_st>(EVP_RSA_gen(1024));
    case KeyKind::ed25519:
      return OpensslPtr<evp_pkey_st>(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }
  return nullptr;
}

struct Draft {
  std::string common_name;
  std::string subject_alt_name;
  int from_days;
  int until_days;
  std::string hash;
  bool is_authority;
};

OpensslPtr<x509_st> make_certificate(const Draft& draft,
                                     EVP_PKEY* key,
                                     X509* issuer,
                                     EVP_PKEY* issuer_key) {
  static long serial = 1;
  OpensslPtr<x509_st> made(X509_new());
  X509* certificate = made.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_time_adj_ex(X509_getm_notBefore(certificate), draft.from_days, 0, nullptr);
  X509_time_adj_ex(X509_getm_notAfter(certificate), draft.until_days, 0, nullptr);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(draft.common_name.c_str()), -1,
                             -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer : certificate));
  X509_set_pubkey(certificate, key);
  const auto extend = [certificate](int nid, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    RONDEL_CHECK(extension != nullptr);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  };
  extend(NID_basic_constraints, draft.is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!draft.subject_alt_name.empty()) {
    extend(NID_subject_alt_name, draft.subject_alt_name);
  }
  const EVP_MD* hash = draft.hash.empty() ? nullptr : EVP_get_digestbyname(draft.hash.c_str());
  RONDEL_CHECK(X509_sign(certificate, issuer_key, hash) != 0);
  return made;
}

}  // namespace

TestPki::TestPki(KeyKind issuer_key) {
  std::string pattern = (std::filesystem::temp_directory_path() / "rondel-pki-XXXXXX").string();
  RONDEL_CHECK(::mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
  const std::string hash = issuer_key == KeyKind::ed25519 ? "" : "SHA256";
  root_key_ = make_key(issuer_key);
  intermediate_key_ = make_key(issuer_key);
  root_ = make_certificate({"Test Root " + folder_.filename().string(), "", -10, 3650, hash, true},
                           root_key_.get(), nullptr, root_key_.get());
  intermediate_ = make_certificate(
      {"Test Intermediate " + folder_.filename().string(), "", -10, 3650, hash, true},
      intermediate_key_.get(), root_.get(), root_key_.get());
}

TestPki::~TestPki() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

HostCertificate TestPki::issue(const std::string& label, const Wanted& wanted) {
  std::string names;
  for (const std::string& name : wanted.names) {
    names += (names.empty() ? "DNS:" : ",DNS:") + name;
  }
  const auto key = make_key(wanted.key);
  last_ = make_certificate({wanted.names.front(), names, wanted.valid_from_days,
                            wanted.valid_until_days, wanted.hash, false},
                           key.get(), intermediate_.get(), intermediate_key_.get());
  const OpensslPtr<bio_st> certificates(BIO_new_file(path(label + ".crt").c_str(), "w"));
  PEM_write_bio_X509(certificates.get(), last_.get());
  PEM_write_bio_X509(certificates.get(), intermediate_.get());
  const OpensslPtr<bio_st> keys(BIO_new_file(path(label + ".key").c_str(), "w"));
  PEM_write_bio_PrivateKey(keys.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::filesystem::permissions(path(label + ".key"), std::filesystem::perms(0600));
  return {wanted.names.front(), path(label + ".crt"), path(label + ".key")};
}

std::string TestPki::write(const std::string& name, const std::string& text) const {
  std::ofstream(path(name), std::ios::binary) << text;
  return path(name);
}

std::string TestPki::read(const std::string& name) const {
  std::ifstream in(path(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace rondel::tls
