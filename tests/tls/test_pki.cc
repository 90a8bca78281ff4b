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
  std::vector<std::pair<std::string, std::string>> subject{};
  std::string usage{};
  std::string raw_xmpp_address{};
};

/// An id-on-xmppAddr of any bytes, which OpenSSL's configuration has no words for.
X509_EXTENSION* make_raw_address(const std::string& bytes) {
  ASN1_TYPE* value = ASN1_TYPE_new();
  ASN1_STRING* text = ASN1_UTF8STRING_new();
  ASN1_STRING_set(text, bytes.data(), static_cast<int>(bytes.size()));
  ASN1_TYPE_set(value, V_ASN1_UTF8STRING, text);
  GENERAL_NAME* name = GENERAL_NAME_new();
  GENERAL_NAME_set0_othername(name, OBJ_nid2obj(NID_XmppAddr), value);
  GENERAL_NAMES* names = GENERAL_NAMES_new();
  sk_GENERAL_NAME_push(names, name);
  X509_EXTENSION* made = X509V3_EXT_i2d(NID_subject_alt_name, 0, names);
  GENERAL_NAMES_free(names);
  return made;
}

void name_subject(X509_NAME* name, const Draft& draft) {
  if (draft.subject.empty()) {
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(draft.common_name.c_str()),
                               -1, -1, 0);
  }
  for (const auto& [type, value] : draft.subject) {
    const bool joins = type.front() == '+';
    RONDEL_CHECK(X509_NAME_add_entry_by_txt(name, type.c_str() + (joins ? 1 : 0), MBSTRING_UTF8,
                                            reinterpret_cast<const unsigned char*>(value.data()),
                                            static_cast<int>(value.size()), -1,
                                            joins ? -1 : 0) == 1);
  }
}

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
  name_subject(X509_get_subject_name(certificate), draft);
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
  if (!draft.raw_xmpp_address.empty()) {
    X509_EXTENSION* extension = make_raw_address(draft.raw_xmpp_address);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  if (!draft.usage.empty()) {
    extend(NID_ext_key_usage, draft.usage);
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
  const Draft draft{wanted.names.front(),
                    !wanted.raw_xmpp_address.empty()   ? std::string()
                    : wanted.alternative_names.empty() ? names
                                                       : wanted.alternative_names,
                    wanted.valid_from_days,
                    wanted.valid_until_days,
                    wanted.hash,
                    false,
                    wanted.subject,
                    wanted.usage,
                    wanted.raw_xmpp_address};
  last_ = wanted.is_self_signed ? make_certificate(draft, key.get(), nullptr, key.get())
          : wanted.is_by_root
              ? make_certificate(draft, key.get(), root_.get(), root_key_.get())
              : make_certificate(draft, key.get(), intermediate_.get(), intermediate_key_.get());
  const OpensslPtr<bio_st> certificates(BIO_new_file(path(label + ".crt").c_str(), "w"));
  PEM_write_bio_X509(certificates.get(), last_.get());
  PEM_write_bio_X509(certificates.get(), intermediate_.get());
  const OpensslPtr<bio_st> keys(BIO_new_file(path(label + ".key").c_str(), "w"));
  PEM_write_bio_PrivateKey(keys.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::filesystem::permissions(path(label + ".key"), std::filesystem::perms(0600));
  return {wanted.names.front(), path(label + ".crt"), path(label + ".key")};
}

std::string TestPki::revoke(const std::string& name,
                            const std::vector<x509_st*>& revoked,
                            int until_days,
                            bool is_by_root) const {
  X509_CRL* list = X509_CRL_new();
  X509_CRL_set_version(list, X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list,
                           X509_get_subject_name(is_by_root ? root_.get() : intermediate_.get()));
  ASN1_TIME* time = X509_time_adj_ex(nullptr, -5, 0, nullptr);
  X509_CRL_set1_lastUpdate(list, time);
  X509_time_adj_ex(time, until_days, 0, nullptr);
  X509_CRL_set1_nextUpdate(list, time);
  for (x509_st* each : revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(each));
    X509_time_adj_ex(time, -1, 0, nullptr);
    X509_REVOKED_set_revocationDate(entry, time);
    X509_CRL_add0_revoked(list, entry);
  }
  ASN1_TIME_free(time);
  X509_CRL_sort(list);
  RONDEL_CHECK(X509_CRL_sign(list, is_by_root ? root_key_.get() : intermediate_key_.get(),
                             EVP_sha256()) != 0);
  const OpensslPtr<bio_st> out(BIO_new_file(path(name).c_str(), "w"));
  PEM_write_bio_X509_CRL(out.get(), list);
  X509_CRL_free(list);
  return path(name);
}

std::string TestPki::root_file() const {
  const OpensslPtr<bio_st> out(BIO_new_file(path("root.crt").c_str(), "w"));
  PEM_write_bio_X509(out.get(), root_.get());
  return path("root.crt");
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
