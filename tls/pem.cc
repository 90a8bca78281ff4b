#include "tls/pem.h"

#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "base/encoding.h"

namespace rondel::tls {
namespace {

/// A file's bytes, wiped at the end of their life: they may be a key.
struct Secret {
  std::string bytes;
  Secret() = default;
  Secret(Secret&&) = default;
  ~Secret() { base::wipe(bytes); }
};

base::Result<Secret> read_secret(const std::string& path, std::size_t size_max) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return base::Unexpected(base::system_error(fmt::format("cannot open '{}'", path), errno));
  }
  Secret secret;
  secret.bytes.resize(size_max + 1);
  std::size_t size = 0;
  ssize_t count = 0;
  while (size < secret.bytes.size() &&
         (count = ::read(file, secret.bytes.data() + size, secret.bytes.size() - size)) > 0) {
    size += static_cast<std::size_t>(count);
  }
  const int error = errno;
  ::close(file);
  if (count < 0) {
    return base::Unexpected(base::system_error(fmt::format("cannot read '{}'", path), error));
  }
  if (size > size_max) {
    return base::Unexpected(base::Error(
        fmt::format("'{}' is longer than {} bytes: not what is wanted here", path, size_max)));
  }
  secret.bytes.resize(size);
  return secret;
}

OpensslPtr<bio_st> reader(const Secret& secret) {
  return OpensslPtr<bio_st>(
      BIO_new_mem_buf(secret.bytes.data(), static_cast<int>(secret.bytes.size())));
}

/// Called for an encrypted key only; refuses, since nobody is there to type.
int refuse_password(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

std::string name_text(const X509_NAME* name) {
  const OpensslPtr<bio_st> out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

CertificateInfo::TimePoint time_point(const ASN1_TIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

std::vector<std::string> dns_names(const X509& certificate) {
  std::vector<std::string> names;
  auto* all = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    if (name->type != GEN_DNS) {
      continue;
    }
    std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                     static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    for (char& c : text) {
      c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    }
    // A NUL or a space inside has no business in a name: such a name matches nothing.
    if (!text.empty() &&
        text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.*") == std::string::npos) {
      names.push_back(std::move(text));
    }
  }
  GENERAL_NAMES_free(all);
  return names;
}

std::string key_text(EVP_PKEY* key) {
  char group[64] = "";
  if (key == nullptr) {
    return "unknown";
  }
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
      EVP_PKEY_get_group_name(key, group, sizeof(group), nullptr) == 1) {
    const char* nist = EC_curve_nid2nist(OBJ_sn2nid(group));
    return fmt::format("EC {}", nist ? nist : group);
  }
  const char* type = EVP_PKEY_get0_type_name(key);
  return fmt::format("{} {}", type ? type : "key", EVP_PKEY_get_bits(key));
}

}  // namespace

std::string CertificateChain::disorder() const {
  if (intermediates.empty()) {
    const bool is_self_signed =
        X509_NAME_cmp(X509_get_subject_name(leaf.get()), X509_get_issuer_name(leaf.get())) == 0;
    return is_self_signed
               ? ""
               : "contains no intermediate certificate, so most clients will not trust it unless a "
                 "root itself has signed it";
  }
  X509* previous = leaf.get();
  for (const auto& next : intermediates) {
    if (X509_check_issued(next.get(), previous) != X509_V_OK) {
      return "has its chain in disorder: a certificate is not followed by its issuer's";
    }
    previous = next.get();
  }
  return "";
}

base::Result<std::string> read_file_blocking(const std::string& path, std::size_t size_max) {
  RONDEL_TRY(Secret file, read_secret(path, size_max));
  return std::move(file.bytes);
}

base::Result<CertificateChain> read_chain(const std::string& path) {
  RONDEL_TRY(const Secret file, read_secret(path, kPemBytesMax));
  const OpensslPtr<bio_st> in = reader(file);
  CertificateChain chain;
  ERR_clear_error();
  while (X509* certificate = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
    if (chain.leaf == nullptr) {
      chain.leaf.reset(certificate);
    } else {
      chain.intermediates.emplace_back(certificate);
    }
  }
  // The end of the file looks like an error too: the one that says that no further block starts.
  const bool is_at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = take_openssl_errors();
  if (!is_at_end) {
    return base::Unexpected(
        base::Error(fmt::format("'{}' holds a broken certificate: {}", path, reason)));
  }
  if (chain.leaf == nullptr) {
    return base::Unexpected(
        base::Error(fmt::format("'{}' holds no certificate in PEM form", path)));
  }
  return chain;
}

base::Result<OpensslPtr<evp_pkey_st>> read_key(const std::string& path) {
  RONDEL_TRY(const Secret file, read_secret(path, kPemBytesMax));
  const OpensslPtr<bio_st> in = reader(file);
  bool has_asked = false;
  ERR_clear_error();
  OpensslPtr<evp_pkey_st> key(
      PEM_read_bio_PrivateKey(in.get(), nullptr, &refuse_password, &has_asked));
  const std::string reason = take_openssl_errors();
  if (has_asked) {
    return base::Unexpected(base::Error(fmt::format(
        "'{}' is encrypted with a password: store the key without one, mode 0600", path)));
  }
  if (key == nullptr) {
    return base::Unexpected(
        base::Error(fmt::format("'{}' holds no usable private key: {}", path, reason)));
  }
  return key;
}

CertificateInfo describe(const x509_st& certificate, const std::string& path) {
  CertificateInfo info;
  info.path = path;
  info.subject = name_text(X509_get_subject_name(&certificate));
  info.issuer = name_text(X509_get_issuer_name(&certificate));
  info.names = dns_names(certificate);
  info.key_type = key_text(X509_get0_pubkey(&certificate));
  info.valid_from = time_point(X509_get0_notBefore(&certificate));
  info.valid_until = time_point(X509_get0_notAfter(&certificate));
  info.is_self_signed =
      X509_NAME_cmp(X509_get_subject_name(&certificate), X509_get_issuer_name(&certificate)) == 0;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  X509_digest(&certificate, EVP_sha256(), digest, &size);
  info.fingerprint = base::hex_encode({reinterpret_cast<const char*>(digest), size});
  return info;
}

}  // namespace rondel::tls
