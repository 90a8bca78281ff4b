#include "tls/traffic_keys.h"

#include <algorithm>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <string>

#include "base/check.h"
#include "base/encoding.h"

namespace rondel::tls {
namespace {

/// A thread's HKDF-Expand for each hash, made once: a new context looks its hash up by name, under
/// a lock, which costs more than the digests.
class Expanders {
 public:
  Expanders() = default;
  ~Expanders() {
    EVP_KDF_CTX_free(sha256_);
    EVP_KDF_CTX_free(sha384_);
  }
  Expanders(const Expanders&) = delete;
  Expanders& operator=(const Expanders&) = delete;

  EVP_KDF_CTX* of(Aead aead) {
    return aead == Aead::aes_256_gcm ? made(sha384_, "SHA384") : made(sha256_, "SHA256");
  }

 private:
  static EVP_KDF_CTX* made(EVP_KDF_CTX*& context, std::string hash) {
    if (context == nullptr) {
      static EVP_KDF* const hkdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
      context = EVP_KDF_CTX_new(hkdf);
      int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
      const OSSL_PARAM parameters[] = {
          OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
          OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash.data(), 0),
          OSSL_PARAM_construct_end()};
      RONDEL_CHECK(context != nullptr && EVP_KDF_CTX_set_params(context, parameters) == 1);
    }
    return context;
  }

  EVP_KDF_CTX* sha256_ = nullptr;
  EVP_KDF_CTX* sha384_ = nullptr;
};

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

  thread_local Expanders expanders;
  EVP_KDF_CTX* const context = expanders.of(aead);
  auto* key = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(secret.data()));
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(),
                                        static_cast<std::size_t>(at - info.begin())),
      OSSL_PARAM_construct_end()};
  const int result =
      EVP_KDF_derive(context, reinterpret_cast<unsigned char*>(out.data()), out.size(), parameters);
  RONDEL_CHECK(result == 1);  // A key of zeros would be worse than no server.
  // In place of the secret, whose copy OpenSSL wipes.
  unsigned char nothing[1] = {0};
  const OSSL_PARAM forgotten[] = {
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, nothing, sizeof(nothing)),
      OSSL_PARAM_construct_end()};
  RONDEL_CHECK(EVP_KDF_CTX_set_params(context, forgotten) == 1);
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
