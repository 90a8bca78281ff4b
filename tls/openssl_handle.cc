#include "tls/openssl_handle.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace rondel::tls {

void OpensslDelete::operator()(bio_st* bio) const {
  BIO_free(bio);
}
void OpensslDelete::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}
void OpensslDelete::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}
void OpensslDelete::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}
void OpensslDelete::operator()(x509_st* certificate) const {
  X509_free(certificate);
}
void OpensslDelete::operator()(x509_store_st* store) const {
  X509_STORE_free(store);
}
void OpensslDelete::operator()(X509_crl_st* list) const {
  X509_CRL_free(list);
}

std::string take_openssl_errors() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    if (!text.empty()) {
      text += "; ";
    }
    text += reason ? std::string(reason) : "OpenSSL error " + std::to_string(code);
  }
  return text;
}

}  // namespace rondel::tls
