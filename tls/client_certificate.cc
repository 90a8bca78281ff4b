#include "tls/client_certificate.h"

#include <algorithm>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/encoding.h"
#include "tls/pem.h"

namespace rondel::tls {
namespace {

/// A NUL ends a name for some readers and not for others; nobody's name has one, or a line break.
bool is_plain(std::string_view text) {
  return !text.empty() && text.size() <= kCertificateNameBytesMax &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

void add(std::vector<std::string>& names, std::string name) {
  if (is_plain(name) && names.size() < kCertificateNamesMax &&
      std::find(names.begin(), names.end(), name) == names.end()) {
    names.push_back(std::move(name));
  }
}

/// The text of an ASN.1 string of any type; empty if it has none.
std::string utf8(const ASN1_STRING* text) {
  unsigned char* data = nullptr;
  const int size = ASN1_STRING_to_UTF8(&data, text);
  std::string result;
  if (size > 0) {
    result.assign(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  }
  OPENSSL_free(data);
  return result;
}

void read_alternative_names(const X509& certificate, ClientCertificate& into) {
  auto* all = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    if (name->type == GEN_EMAIL) {
      const std::string text = utf8(name->d.rfc822Name);
      const std::size_t at = text.find('@');
      if (at != 0 && at != std::string::npos && at + 1 < text.size() &&
          text.find(' ') == std::string::npos && text.find('@', at + 1) == std::string::npos) {
        add(into.emails, text);
      }
    } else if (name->type == GEN_OTHERNAME &&
               OBJ_obj2nid(name->d.otherName->type_id) == NID_XmppAddr &&
               name->d.otherName->value->type == V_ASN1_UTF8STRING) {
      add(into.xmpp_addresses, utf8(name->d.otherName->value->value.utf8string));
    }
  }
  GENERAL_NAMES_free(all);
}

/// Only one that stands alone: which of several is meant, every reader decides in its own way.
std::string common_name(const X509& certificate) {
  const X509_NAME* subject = X509_get_subject_name(&certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) {
    return {};
  }
  std::string text = utf8(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  return is_plain(text) ? text : std::string();
}

}  // namespace

std::string_view trust_name(CertificateTrust trust) {
  switch (trust) {
    case CertificateTrust::verified:
      return "verified";
    case CertificateTrust::unknown_issuer:
      return "unknown issuer";
    case CertificateTrust::out_of_date:
      return "out of date";
    case CertificateTrust::revoked:
      return "revoked";
    case CertificateTrust::refused:
      break;
  }
  return "refused";
}

ClientCertificate read_client_certificate(const x509_st& certificate) {
  ClientCertificate result;
  const CertificateInfo info = describe(certificate, {});
  result.fingerprint = info.fingerprint;
  result.valid_until = info.valid_until;
  read_alternative_names(certificate, result);
  result.common_name = common_name(certificate);
  ERR_clear_error();
  return result;
}

base::Result<ClientCertificate> read_client_certificate(std::string_view der) {
  ERR_clear_error();
  const auto* begin = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* at = begin;
  const OpensslPtr<x509_st> certificate(
      der.size() <= kPemBytesMax ? d2i_X509(nullptr, &at, static_cast<long>(der.size())) : nullptr);
  ERR_clear_error();
  if (certificate == nullptr || at != begin + der.size()) {
    return base::Unexpected(base::Error("not a certificate in DER form"));
  }
  return read_client_certificate(*certificate);
}

}  // namespace rondel::tls
