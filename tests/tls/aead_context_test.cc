// Held against OpenSSL's own way to the same ciphers.
#include "tls/aead_context.h"

#include <array>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <string>
#include <vector>

namespace rondel::tls {
namespace {

using Bytes = std::vector<std::byte>;
using Direction = AeadContext::Direction;

constexpr std::size_t kTag = 16;
constexpr std::array kAll{Aead::aes_128_gcm, Aead::aes_256_gcm, Aead::chacha20_poly1305};

const char* name_of(Aead aead) {
  return aead == Aead::aes_128_gcm   ? "AES-128-GCM"
         : aead == Aead::aes_256_gcm ? "AES-256-GCM"
                                     : "ChaCha20-Poly1305";
}

Bytes numbers(std::size_t size, int first) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>(first + static_cast<int>(i));
  }
  return bytes;
}

const unsigned char* raw(const Bytes& bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

/// What EVP makes of it: the sealed bytes and the tag.
Bytes sealed_by_openssl(
    Aead aead, const Bytes& key, const Bytes& nonce, const Bytes& head, const Bytes& plain) {
  EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, name_of(aead), nullptr);
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  Bytes out(plain.size() + kTag);
  auto* const bytes = reinterpret_cast<unsigned char*>(out.data());
  int size = 0;
  EXPECT_EQ(EVP_EncryptInit_ex2(context, cipher, raw(key), raw(nonce), nullptr), 1);
  EXPECT_EQ(EVP_EncryptUpdate(context, nullptr, &size, raw(head), static_cast<int>(head.size())),
            1);
  EXPECT_EQ(EVP_EncryptUpdate(context, bytes, &size, raw(plain), static_cast<int>(plain.size())),
            1);
  EXPECT_EQ(EVP_EncryptFinal_ex(context, bytes + plain.size(), &size), 1);
  EXPECT_EQ(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTag, bytes + plain.size()), 1);
  EVP_CIPHER_CTX_free(context);
  EVP_CIPHER_free(cipher);
  return out;
}

/// The same by our way, in pieces of `piece` bytes, each where it stands.
Bytes sealed_by_us(AeadContext& context,
                   const Bytes& key,
                   const Bytes& nonce,
                   const Bytes& head,
                   const Bytes& plain,
                   std::size_t piece) {
  Bytes out = plain;
  EXPECT_TRUE(context.begin(key, nonce) && context.authenticate(head));
  for (std::size_t at = 0; at < plain.size(); at += piece) {
    const std::span part = std::span(out).subspan(at, std::min(piece, plain.size() - at));
    EXPECT_TRUE(context.update(part, part.data()));
  }
  out.resize(plain.size() + kTag);
  EXPECT_TRUE(context.finish(std::span(out).last(kTag)));
  return out;
}

TEST(AeadContext, seals_what_openssl_seals_in_pieces_of_any_size) {
  for (const Aead aead : kAll) {
    AeadContext context(aead, Direction::sealing);
    const Bytes key = numbers(key_bytes(aead), 1);
    const Bytes head = numbers(5, 9);
    for (const std::size_t size : {1U, 15U, 16U, 17U, 200U, 1000U, 16385U}) {
      const Bytes nonce = numbers(kIvBytes, static_cast<int>(size));
      const Bytes plain = numbers(size, 7);
      const Bytes expected = sealed_by_openssl(aead, key, nonce, head, plain);
      for (const std::size_t piece : {std::size_t{1}, std::size_t{13}, size}) {
        EXPECT_EQ(sealed_by_us(context, key, nonce, head, plain, piece), expected)
            << name_of(aead) << ", " << size << " bytes by " << piece;
      }
    }
  }
}

TEST(AeadContext, keeps_its_key_until_it_gets_another) {
  for (const Aead aead : kAll) {
    AeadContext context(aead, Direction::sealing);
    const Bytes head = numbers(5, 0);
    const Bytes plain = numbers(100, 0);
    for (const int number : {1, 2}) {
      const Bytes key = numbers(key_bytes(aead), number);
      const Bytes first = numbers(kIvBytes, 1);
      const Bytes second = numbers(kIvBytes, 2);
      EXPECT_EQ(sealed_by_us(context, key, first, head, plain, 100),
                sealed_by_openssl(aead, key, first, head, plain));
      EXPECT_EQ(sealed_by_us(context, {}, second, head, plain, 100),
                sealed_by_openssl(aead, key, second, head, plain));
    }
  }
}

TEST(AeadContext, opens_what_is_authentic_and_nothing_else) {
  for (const Aead aead : kAll) {
    AeadContext context(aead, Direction::opening);
    const Bytes key = numbers(key_bytes(aead), 3);
    const Bytes nonce = numbers(kIvBytes, 4);
    const Bytes head = numbers(5, 5);
    const Bytes plain = numbers(60, 6);
    const Bytes sealed = sealed_by_openssl(aead, key, nonce, head, plain);
    const auto opens = [&](const Bytes& with_head, const Bytes& bytes, Bytes& out) {
      out.assign(plain.size(), std::byte{0});
      return context.begin(key, nonce) && context.authenticate(with_head) &&
             context.update(std::span(bytes).first(plain.size()), out.data()) &&
             context.verify(std::span(bytes).last(kTag));
    };
    Bytes out;
    EXPECT_TRUE(opens(head, sealed, out)) << name_of(aead);
    EXPECT_EQ(out, plain);
    for (std::size_t at = 0; at < sealed.size(); ++at) {
      Bytes changed = sealed;
      changed[at] ^= std::byte{0x10};
      EXPECT_FALSE(opens(head, changed, out)) << name_of(aead) << ", byte " << at;
    }
    EXPECT_FALSE(opens(numbers(5, 6), sealed, out));
    EXPECT_TRUE(opens(head, sealed, out)) << "one that failed leaves nothing behind";
  }
}

}  // namespace
}  // namespace rondel::tls
