#include "xmpp/sasl/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

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
  std::string out(digest_bytes(hash), '\0');
  unsigned size = 0;
  RONDEL_CHECK(HMAC(algorithm(hash), key.data(), static_cast<int>(key.size()), bytes_of(text),
                    text.size(), bytes_of(out), &size) != nullptr);
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
