#include "xmpp/sasl/digest.h"

#include <array>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/check.h"

namespace rondel::xmpp {
namespace {

// Fetched once: OpenSSL 3 looks an algorithm up by name, under a lock, each time EVP_sha256() is
// used.
const EVP_MD* algorithm(ScramHash hash) {
  static const EVP_MD* const sha_1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  static const EVP_MD* const sha_256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static const EVP_MD* const sha_512 = EVP_MD_fetch(nullptr, "SHA512", nullptr);
  const EVP_MD* const found = hash == ScramHash::sha_1     ? sha_1
                              : hash == ScramHash::sha_256 ? sha_256
                                                           : sha_512;
  RONDEL_CHECK(found != nullptr);
  return found;
}

/// A thread's HMAC for each hash, made once: HMAC() looks both algorithms up by name at every call,
/// under a lock, which costs more than the digests.
class Macs {
 public:
  Macs() = default;
  ~Macs() {
    for (EVP_MAC_CTX* made : made_) {
      EVP_MAC_CTX_free(made);
    }
  }
  Macs(const Macs&) = delete;
  Macs& operator=(const Macs&) = delete;

  EVP_MAC_CTX* of(ScramHash hash) {
    EVP_MAC_CTX*& made = made_[static_cast<std::size_t>(hash)];
    if (made == nullptr) {
      static EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
      made = EVP_MAC_CTX_new(hmac);
      std::string name = EVP_MD_get0_name(algorithm(hash));
      const OSSL_PARAM parameters[] = {
          OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), 0),
          OSSL_PARAM_construct_end()};
      RONDEL_CHECK(made != nullptr && EVP_MAC_CTX_set_params(made, parameters) == 1);
    }
    return made;
  }

 private:
  std::array<EVP_MAC_CTX*, 3> made_{};
};

unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string digest(ScramHash hash, std::string_view text) {
  std::string out(digest_bytes(hash), '\0');
  unsigned size = 0;
  RONDEL_CHECK(
      EVP_Digest(text.data(), text.size(), bytes_of(out), &size, algorithm(hash), nullptr) == 1);
  RONDEL_CHECK(size == out.size());
  return out;
}

std::string hmac(ScramHash hash, std::string_view key, std::string_view text) {
  thread_local Macs macs;
  EVP_MAC_CTX* const mac = macs.of(hash);
  // OpenSSL takes an empty key for "the one before".
  static constexpr unsigned char kEmpty[1] = {0};
  const unsigned char* key_bytes = key.empty() ? kEmpty : bytes_of(key);
  std::string out(digest_bytes(hash), '\0');
  std::size_t size = 0;
  RONDEL_CHECK(EVP_MAC_init(mac, key_bytes, key.empty() ? 1 : key.size(), nullptr) == 1 &&
               EVP_MAC_update(mac, bytes_of(text), text.size()) == 1 &&
               EVP_MAC_final(mac, bytes_of(out), &size, out.size()) == 1);
  RONDEL_CHECK(EVP_MAC_init(mac, kEmpty, 1, nullptr) == 1);  // Forgets the key.
  RONDEL_CHECK(size == out.size());
  return out;
}

std::string pbkdf2(ScramHash hash,
                   std::string_view password,
                   std::string_view salt,
                   std::uint32_t iterations) {
  std::string out(digest_bytes(hash), '\0');
  RONDEL_CHECK(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), bytes_of(salt),
                                 static_cast<int>(salt.size()), static_cast<int>(iterations),
                                 algorithm(hash), static_cast<int>(out.size()),
                                 bytes_of(out)) == 1);
  return out;
}

std::string exclusive_or(std::string_view a, std::string_view b) {
  RONDEL_CHECK(a.size() == b.size());
  std::string out(a);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<char>(out[i] ^ b[i]);
  }
  return out;
}

}  // namespace rondel::xmpp
