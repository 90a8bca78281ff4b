#include "tls/channel_binding.h"

#include <algorithm>
#include <array>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string_view>

#include "base/byte_buffer.h"
#include "base/check.h"
#include "base/encoding.h"
#include "tls/key_derivation.h"

namespace rondel::tls {
namespace {

constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
constexpr std::size_t kExporterBytes = 32;

}  // namespace

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

std::string export_channel_binding(std::span<const std::byte> secret) {
  const KeyHash hash =
      secret.size() == hash_bytes(KeyHash::sha384) ? KeyHash::sha384 : KeyHash::sha256;
  std::array<std::byte, kHashBytesMax> bytes;
  const auto of_label = std::span(bytes).first(hash_bytes(hash));
  std::array<std::byte, kExporterBytes> value;
  // The hash of the context, which is empty, is the empty hash as well.
  RONDEL_CHECK(try_expand_label(hash, secret, kLabelPrefix, kLabel, empty_hash(hash), of_label) &&
               try_expand_label(hash, of_label, kLabelPrefix, "exporter", empty_hash(hash), value));
  base::wipe(bytes);
  return std::string(base::as_text(value));
}

std::optional<std::string> export_channel_binding(ssl_st& ssl) {
  if (SSL_version(&ssl) < TLS1_3_VERSION && SSL_get_extms_support(&ssl) != 1) {
    return std::nullopt;
  }
  unsigned char bytes[kExporterBytes];
  // An empty context, as RFC 9266 says, is not the same as none in TLS 1.2; GnuTLS agrees.
  constexpr unsigned char kEmptyContext = 0;
  if (SSL_export_keying_material(&ssl, bytes, sizeof(bytes), kLabel.data(), kLabel.size(),
                                 &kEmptyContext, 0, 1) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  return std::string(reinterpret_cast<const char*>(bytes), sizeof(bytes));
}

ChannelBindings::~ChannelBindings() {
  base::wipe(exporter_);
}

void ChannelBindings::set_exporter(std::string_view value) {
  keep_exporter(base::as_bytes(value), false);
}

void ChannelBindings::set_exporter_secret(std::span<const std::byte> secret) {
  keep_exporter(secret, true);
}

void ChannelBindings::keep_exporter(std::span<const std::byte> bytes, bool is_secret) {
  RONDEL_CHECK(bytes.size() <= exporter_.size());
  std::copy(bytes.begin(), bytes.end(), exporter_.begin());
  exporter_size_ = static_cast<std::uint8_t>(bytes.size());
  is_exporter_secret_ = is_secret;
}

void ChannelBindings::set_end_point(std::string_view hash) {
  RONDEL_CHECK(hash.size() <= end_point_.size());
  std::copy(hash.begin(), hash.end(), end_point_.begin());
  end_point_size_ = static_cast<std::uint8_t>(hash.size());
}

std::optional<std::string> ChannelBindings::exporter() const {
  if (!has_exporter()) {
    return std::nullopt;
  }
  const auto kept = std::span(exporter_).first(exporter_size_);
  return is_exporter_secret_ ? export_channel_binding(kept) : std::string(base::as_text(kept));
}

std::optional<std::string> ChannelBindings::end_point() const {
  if (end_point_size_ == 0) {
    return std::nullopt;
  }
  return std::string(end_point_.data(), end_point_size_);
}

}  // namespace rondel::tls
