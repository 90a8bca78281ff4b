// Owners of OpenSSL objects, without OpenSSL's headers; for this room's sources.
#pragma once

#include <memory>
#include <string>

struct bio_st;
struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_st;
struct x509_st;
struct x509_store_st;
struct X509_crl_st;

namespace rondel::tls {

struct OpensslDelete {
  void operator()(bio_st* bio) const;
  void operator()(evp_pkey_st* key) const;
  void operator()(ssl_ctx_st* context) const;
  void operator()(ssl_st* ssl) const;
  void operator()(x509_st* certificate) const;
  void operator()(x509_store_st* store) const;
  void operator()(X509_crl_st* list) const;
};
template <class T>
using OpensslPtr = std::unique_ptr<T, OpensslDelete>;

/// The reasons in this thread's OpenSSL error queue, the first first; empties the queue.
[[nodiscard]] std::string take_openssl_errors();

}  // namespace rondel::tls
