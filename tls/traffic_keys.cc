#include "tls/traffic_keys.h"

#include <algorithm>

#include "base/check.h"
#include "base/encoding.h"

namespace rondel::tls {
namespace {

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
  RONDEL_CHECK(try_expand_label(hash_of(aead), secret, kLabelPrefix, label, {}, out));
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
