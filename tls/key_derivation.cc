#include "tls/key_derivation.h"

#include <algorithm>
#include <array>
#include <openssl/evp.h>

#include "base/byte_buffer.h"
#include "base/check.h"
#include "base/encoding.h"

namespace rondel::tls {
namespace {

constexpr std::size_t kHashes = 2;
constexpr std::size_t kBlockBytesMax = 128;

constexpr std::size_t block_bytes(KeyHash hash) {
  return hash == KeyHash::sha256 ? 64 : 128;
}

/// A thread's digest of each kind, found by name once and made once. Between two uses it is as one
/// that has seen nothing: it holds no secret.
class Digests {
 public:
  Digests() = default;
  ~Digests() {
    for (EVP_MD_CTX* context : contexts_) {
      EVP_MD_CTX_free(context);
    }
  }
  Digests(const Digests&) = delete;
  Digests& operator=(const Digests&) = delete;

  EVP_MD_CTX* get(KeyHash hash) {
    EVP_MD_CTX*& context = contexts_[static_cast<std::size_t>(hash)];
    if (context == nullptr) [[unlikely]] {
      static const std::array<const EVP_MD*, kHashes> fetched{
          EVP_MD_fetch(nullptr, "SHA2-256", nullptr), EVP_MD_fetch(nullptr, "SHA2-384", nullptr)};
      context = EVP_MD_CTX_new();
      RONDEL_CHECK(context != nullptr &&
                   EVP_DigestInit_ex2(context, fetched[static_cast<std::size_t>(hash)], nullptr) ==
                       1);
    }
    return context;
  }

 private:
  std::array<EVP_MD_CTX*, kHashes> contexts_{};
};

EVP_MD_CTX* digest_of(KeyHash hash) {
  thread_local Digests digests;
  return digests.get(hash);
}

void add(EVP_MD_CTX* digest, std::span<const std::byte> bytes) {
  RONDEL_CHECK(EVP_DigestUpdate(digest, bytes.data(), bytes.size()) == 1);
}

void finish(EVP_MD_CTX* digest, std::span<std::byte> out) {
  unsigned int size = 0;
  RONDEL_CHECK(EVP_DigestFinal_ex(digest, reinterpret_cast<unsigned char*>(out.data()), &size) ==
                   1 &&
               size <= out.size());
  // What is left in it is the result, often a key: a fresh start overwrites it.
  RONDEL_CHECK(EVP_DigestInit_ex2(digest, nullptr, nullptr) == 1);
}

}  // namespace

void hmac(KeyHash hash,
          std::span<const std::byte> key,
          std::initializer_list<std::span<const std::byte>> parts,
          std::span<std::byte> out) {
  RONDEL_ASSERT(out.size() >= hash_bytes(hash));
  EVP_MD_CTX* const digest = digest_of(hash);
  const std::size_t block_size = block_bytes(hash);
  std::array<std::byte, kBlockBytesMax> block{};
  const auto pad = std::span(block).first(block_size);
  if (key.size() > block_size) {
    add(digest, key);
    finish(digest, pad);
  } else {
    std::copy(key.begin(), key.end(), pad.begin());
  }
  for (std::byte& byte : pad) {
    byte ^= std::byte{0x36};
  }
  std::array<std::byte, kHashBytesMax> inner;
  add(digest, pad);
  for (const auto part : parts) {
    add(digest, part);
  }
  finish(digest, inner);
  for (std::byte& byte : pad) {
    byte ^= std::byte{0x36 ^ 0x5c};
  }
  add(digest, pad);
  add(digest, std::span(inner).first(hash_bytes(hash)));
  finish(digest, out);
  base::wipe(block);
  base::wipe(inner);
}

bool try_expand_label(KeyHash hash,
                      std::span<const std::byte> secret,
                      std::string_view prefix,
                      std::string_view label,
                      std::span<const std::byte> context,
                      std::span<std::byte> out) {
  constexpr std::size_t kPieceMax = 255;
  const std::size_t size = hash_bytes(hash);
  if (prefix.size() + label.size() > kPieceMax || context.size() > kPieceMax ||
      out.size() > kPieceMax * size) {
    return false;
  }
  // struct HkdfLabel { uint16 length; opaque label<7..255> = "tls13 " + Label; opaque
  // context<0..255>; }
  const std::array<std::byte, 3> head{static_cast<std::byte>(out.size() >> 8),
                                      static_cast<std::byte>(out.size()),
                                      static_cast<std::byte>(prefix.size() + label.size())};
  const std::array<std::byte, 1> context_size{static_cast<std::byte>(context.size())};
  // HKDF-Expand: RFC 5869 §2.3.
  std::array<std::byte, kHashBytesMax> block;
  std::span<const std::byte> before;
  for (std::array<std::byte, 1> number{std::byte{1}}; !out.empty();
       number[0] = static_cast<std::byte>(std::to_integer<unsigned>(number[0]) + 1)) {
    hmac(hash, secret,
         {before, head, base::as_bytes(prefix), base::as_bytes(label), context_size, context,
          number},
         block);
    before = std::span(block).first(size);
    const std::size_t taken = std::min(size, out.size());
    std::copy_n(block.begin(), taken, out.begin());
    out = out.subspan(taken);
  }
  base::wipe(block);
  return true;
}

std::span<const std::byte> empty_hash(KeyHash hash) {
  using Hash = std::array<std::byte, kHashBytesMax>;
  static const std::array<Hash, kHashes> computed = [] {
    std::array<Hash, kHashes> all{};
    for (const KeyHash each : {KeyHash::sha256, KeyHash::sha384}) {
      finish(digest_of(each), all[static_cast<std::size_t>(each)]);
    }
    return all;
  }();
  return std::span(computed[static_cast<std::size_t>(hash)]).first(hash_bytes(hash));
}

}  // namespace rondel::tls
