#include "tls/channel_binding.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string_view>

namespace rondel::tls {

std::optional<std::string> end_point_hash(const x509_st& certificate) {
  int hash = NID_undef;
  // The call looks into caches of the certificate that OpenSSL fills under its own lock.
  if (X509_get_signature_info(const_cast<x509_st*>(&certificate), &hash, nullptr, nullptr,
                              nullptr) != 1) {
    hash = NID_undef;
  }
  ERR_clear_error();
  const bool is_weak = hash == NID_md5 || hash == NID_sha1 || hash == NID_md5_sha1;
  const EVP_MD* digest = is_weak ? EVP_sha256() : EVP_get_digestbynid(hash);
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (hash == NID_undef || digest == nullptr ||
      X509_digest(&certificate, digest, bytes, &size) != 1) {
    return std::nullopt;
  }
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

std::optional<std::string> export_channel_binding(ssl_st& ssl) {
  if (SSL_version(&ssl) < TLS1_3_VERSION && SSL_get_extms_support(&ssl) != 1) {
    return std::nullopt;
  }
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  unsigned char bytes[32];
  // An empty context, as RFC 9266 says, is not the same as none in TLS 1.2; GnuTLS agrees.
  constexpr unsigned char kEmptyContext = 0;
  if (SSL_export_keying_material(&ssl, bytes, sizeof(bytes), kLabel.data(), kLabel.size(),
                                 &kEmptyContext, 0, 1) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  return std::string(reinterpret_cast<const char*>(bytes), sizeof(bytes));
}

}  // namespace rondel::tls
