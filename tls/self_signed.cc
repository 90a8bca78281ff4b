#include "tls/self_signed.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls/context_native.h"
#include "tls/openssl_handle.h"

namespace rondel::tls {
namespace {

base::Error openssl_error(std::string_view what) {
  return base::Error(fmt::format("{}: {}", what, take_openssl_errors()));
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  const bool is_added = made != nullptr && X509_add_ext(certificate, made, -1) == 1;
  X509_EXTENSION_free(made);
  return is_added;
}

/// RFC 5280 §4.1.2.2: positive, at most 20 octets, hard to guess.
bool set_serial(X509* certificate) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
    return false;
  }
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x3f) | 0x40);
  BIGNUM* number = BN_bin2bn(bytes, sizeof(bytes), nullptr);
  const bool is_set = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return is_set;
}

base::Result<OpensslPtr<x509_st>> make_certificate(std::span<const std::string> hosts,
                                                   int days,
                                                   EVP_PKEY* key) {
  OpensslPtr<x509_st> made(X509_new());
  X509* certificate = made.get();
  std::string names;
  for (const std::string& host : hosts) {
    names += (names.empty() ? "DNS:" : ",DNS:") + normal_name(host);
  }
  const std::string common = normal_name(hosts.front()).substr(0, 64);  // X.520's bound of a CN.
  const auto* text = reinterpret_cast<const unsigned char*>(common.data());
  X509_NAME* name = X509_get_subject_name(certificate);
  // An hour back: the client's clock may be slow.
  const bool is_made =
      X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
      X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != nullptr &&
      X509_time_adj_ex(X509_getm_notAfter(certificate), days, 0, nullptr) != nullptr &&
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, static_cast<int>(common.size()),
                                 -1, 0) == 1 &&
      X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
      add_extension(certificate, NID_subject_alt_name, names) &&
      add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
      add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
      X509_sign(certificate, key, EVP_sha256()) != 0;
  if (!is_made) {
    return base::Unexpected(openssl_error("cannot make a certificate"));
  }
  return made;
}

/// Creates the file, which must not exist, with what `write` puts into a memory BIO.
template <class Write>
base::Result<void> write_file(const std::string& path, mode_t mode, Write write) {
  const OpensslPtr<bio_st> out(BIO_new(BIO_s_secmem()));
  if (out == nullptr || !write(out.get())) {
    return base::Unexpected(openssl_error(fmt::format("cannot encode '{}'", path)));
  }
  char* data = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(out.get(), &data));
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0) {
    return base::Unexpected(base::system_error(fmt::format("cannot create '{}'", path), errno));
  }
  // A key that is a few hundred bytes long is written whole or not at all.
  const bool is_written = ::write(file, data, size) == static_cast<ssize_t>(size) &&
                          ::fchmod(file, mode) == 0 && ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  if (!is_written) {
    ::unlink(path.c_str());
    return base::Unexpected(base::system_error(fmt::format("cannot write '{}'", path), error));
  }
  return {};
}

}  // namespace

base::Result<void> generate_self_signed(std::span<const std::string> hosts,
                                        int days,
                                        const std::string& certificate_path,
                                        const std::string& key_path) {
  for (const std::string& host : hosts) {
    // Commas and colons would be read as further names by OpenSSL's extension syntax.
    if (host.empty() || host.find_first_of(",:; \t\r\n") != std::string::npos) {
      return base::Unexpected(base::Error(fmt::format("'{}' is not a host name", host)));
    }
  }
  if (hosts.empty() || days < 1) {
    return base::Unexpected(base::Error("a certificate needs a host and at least one day"));
  }
  const OpensslPtr<evp_pkey_st> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  if (key == nullptr) {
    return base::Unexpected(openssl_error("cannot make a key"));
  }
  RONDEL_TRY(const OpensslPtr<x509_st> certificate, make_certificate(hosts, days, key.get()));
  RONDEL_TRY_VOID(write_file(key_path, 0600, [&key](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1;
  }));
  auto written = write_file(certificate_path, 0644, [&certificate](BIO* out) {
    return PEM_write_bio_X509(out, certificate.get()) == 1;
  });
  if (!written) {
    ::unlink(key_path.c_str());
  }
  return written;
}

}  // namespace rondel::tls
