#include "tls/key_derivation.h"

#include <algorithm>
#include <array>
#include <openssl/core_dispatch.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "base/byte_buffer.h"
#include "base/check.h"
#include "base/encoding.h"
#include "tls/provider_table.h"

namespace rondel::tls {
namespace {

constexpr std::size_t kHashes = 2;
constexpr std::size_t kBlockBytesMax = 128;

constexpr std::size_t block_bytes(KeyHash hash) {
  return hash == KeyHash::sha256 ? 64 : 128;
}

/// A provider's functions for one hash. They live as long as the process.
///
/// EVP would call the same ones, but asks much around them, for the two dozen keys of a handshake
/// two hundred times.
struct Hash {
  const EVP_MD* fetched;  ///< Holds the provider.
  OSSL_FUNC_digest_newctx_fn* make = nullptr;
  OSSL_FUNC_digest_freectx_fn* free = nullptr;
  OSSL_FUNC_digest_init_fn* begin = nullptr;
  OSSL_FUNC_digest_update_fn* update = nullptr;
  OSSL_FUNC_digest_final_fn* end = nullptr;
  void* provider = nullptr;

  explicit Hash(const char* name) : fetched(EVP_MD_fetch(nullptr, name, nullptr)) {
    RONDEL_CHECK(fetched != nullptr);
    const OSSL_PROVIDER* const owner = EVP_MD_get0_provider(fetched);
    provider = OSSL_PROVIDER_get0_provider_ctx(owner);
    const OSSL_ALGORITHM* const found = find_algorithm(*owner, OSSL_OP_DIGEST, name);
    RONDEL_CHECK(found != nullptr);
    const OSSL_DISPATCH* const table = found->implementation;
    make = OSSL_FUNC_digest_newctx(find_function(table, OSSL_FUNC_DIGEST_NEWCTX));
    free = OSSL_FUNC_digest_freectx(find_function(table, OSSL_FUNC_DIGEST_FREECTX));
    begin = OSSL_FUNC_digest_init(find_function(table, OSSL_FUNC_DIGEST_INIT));
    update = OSSL_FUNC_digest_update(find_function(table, OSSL_FUNC_DIGEST_UPDATE));
    end = OSSL_FUNC_digest_final(find_function(table, OSSL_FUNC_DIGEST_FINAL));
  }
};

/// A thread's digest of one kind. Between two uses it is as one that has seen nothing: it holds no
/// secret.
class Digest {
 public:
  explicit Digest(const Hash& hash) : hash_(hash), context_(hash.make(hash.provider)) {
    RONDEL_CHECK(context_ != nullptr && hash_.begin(context_, nullptr) == 1);
  }
  ~Digest() { hash_.free(context_); }
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void add(std::span<const std::byte> bytes) {
    RONDEL_CHECK(hash_.update(context_, reinterpret_cast<const unsigned char*>(bytes.data()),
                              bytes.size()) == 1);
  }
  void finish(std::span<std::byte> out) {
    std::size_t size = 0;
    RONDEL_CHECK(
        hash_.end(context_, reinterpret_cast<unsigned char*>(out.data()), &size, out.size()) == 1);
    // What is left in it is the result, often a key: a fresh start overwrites it.
    RONDEL_CHECK(hash_.begin(context_, nullptr) == 1);
  }

 private:
  const Hash& hash_;
  void* context_;
};

Digest& digest_of(KeyHash hash) {
  if (hash == KeyHash::sha384) {
    static const Hash sha384("SHA2-384");
    thread_local Digest digest(sha384);
    return digest;
  }
  static const Hash sha256("SHA2-256");
  thread_local Digest digest(sha256);
  return digest;
}

}  // namespace

void hmac(KeyHash hash,
          std::span<const std::byte> key,
          std::initializer_list<std::span<const std::byte>> parts,
          std::span<std::byte> out) {
  RONDEL_ASSERT(out.size() >= hash_bytes(hash));
  Digest& digest = digest_of(hash);
  const std::size_t block_size = block_bytes(hash);
  std::array<std::byte, kBlockBytesMax> block{};
  const auto pad = std::span(block).first(block_size);
  if (key.size() > block_size) {
    digest.add(key);
    digest.finish(pad);
  } else {
    std::copy(key.begin(), key.end(), pad.begin());
  }
  for (std::byte& byte : pad) {
    byte ^= std::byte{0x36};
  }
  std::array<std::byte, kHashBytesMax> inner;
  digest.add(pad);
  for (const auto part : parts) {
    digest.add(part);
  }
  digest.finish(inner);
  for (std::byte& byte : pad) {
    byte ^= std::byte{0x36 ^ 0x5c};
  }
  digest.add(pad);
  digest.add(std::span(inner).first(hash_bytes(hash)));
  digest.finish(out);
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
      digest_of(each).finish(all[static_cast<std::size_t>(each)]);
    }
    return all;
  }();
  return std::span(computed[static_cast<std::size_t>(hash)]).first(hash_bytes(hash));
}

}  // namespace rondel::tls
