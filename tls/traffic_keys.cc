#include "tls/traffic_keys.h"

#include <algorithm>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "base/check.h"
#include "base/encoding.h"

namespace rondel::tls {
namespace {

/// Fetched once; lives as long as the process.
EVP_KDF* hkdf() {
  static EVP_KDF* const fetched = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  return fetched;
}

void derive(Aead aead, TrafficKeys& keys) {
  const auto secret = std::span(keys.secret).first(secret_bytes(aead));
  expand_label(aead, secret, "key", std::span(keys.key).first(key_bytes(aead)));
  expand_label(aead, secret, "iv", keys.iv);
}

}  // namespace

std::optional<Aead> aead_of(std::string_view cipher) {
  if (cipher == "TLS_AES_128_GCM_SHA256") {
    return Aead::aes_128_gcm;
  }
  if (cipher == "TLS_AES_256_GCM_SHA384") {
    return Aead::aes_256_gcm;
  }
  if (cipher == "TLS_CHACHA20_POLY1305_SHA256") {
    return Aead::chacha20_poly1305;
  }
  return std::nullopt;
}

void expand_label(Aead aead,
                  std::span<const std::byte> secret,
                  std::string_view label,
                  std::span<std::byte> out) {
  // struct HkdfLabel { uint16 length; opaque label<7..255> = "tls13 " + Label; opaque
  // context<0..255>; }
  constexpr std::string_view kPrefix = "tls13 ";
  std::array<unsigned char, 64> info{};
  RONDEL_CHECK(label.size() + kPrefix.size() + 4 <= info.size() && out.size() < 256);
  auto at = info.begin();
  *at++ = 0;
  *at++ = static_cast<unsigned char>(out.size());
  *at++ = static_cast<unsigned char>(kPrefix.size() + label.size());
  at = std::copy(kPrefix.begin(), kPrefix.end(), at);
  at = std::copy(label.begin(), label.end(), at);
  *at++ = 0;

  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  char sha256[] = "SHA256";
  char sha384[] = "SHA384";
  auto* key = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(secret.data()));
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                       aead == Aead::aes_256_gcm ? sha384 : sha256, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(),
                                        static_cast<std::size_t>(at - info.begin())),
      OSSL_PARAM_construct_end()};
  EVP_KDF_CTX* context = EVP_KDF_CTX_new(hkdf());
  const int result =
      EVP_KDF_derive(context, reinterpret_cast<unsigned char*>(out.data()), out.size(), parameters);
  EVP_KDF_CTX_free(context);  // Wipes its copy of the secret.
  RONDEL_CHECK(result == 1);  // A key of zeros would be worse than no server.
}

void TrafficKeys::start(Aead aead,
                        std::span<const std::byte> first_secret,
                        std::uint64_t first_sequence) {
  RONDEL_CHECK(first_secret.size() == secret_bytes(aead));
  std::copy(first_secret.begin(), first_secret.end(), secret.begin());
  sequence = first_sequence;
  derive(aead, *this);
}

void TrafficKeys::update(Aead aead) {
  std::array<std::byte, kSecretBytesMax> next{};
  const std::size_t size = secret_bytes(aead);
  expand_label(aead, std::span(secret).first(size), "traffic upd", std::span(next).first(size));
  secret = next;
  base::wipe(next);
  sequence = 0;
  derive(aead, *this);
}

void TrafficKeys::wipe_all_but_secret() {
  base::wipe(key);
  base::wipe(iv);
  sequence = 0;
}

void TrafficKeys::wipe() {
  base::wipe(secret);
  wipe_all_but_secret();
}

}  // namespace rondel::tls
