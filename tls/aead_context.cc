#include "tls/aead_context.h"

#include <array>
#include <cstdint>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "base/check.h"
#include "tls/provider_table.h"

namespace rondel::tls {
namespace {

unsigned char* raw(std::byte* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}
const unsigned char* raw(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

/// A provider's functions for one AEAD. They live as long as the process.
struct AeadContext::Functions {
  const EVP_CIPHER* cipher;  ///< Holds the provider.
  void* provider = nullptr;
  OSSL_FUNC_cipher_newctx_fn* make = nullptr;
  OSSL_FUNC_cipher_freectx_fn* free = nullptr;
  OSSL_FUNC_cipher_encrypt_init_fn* begin_sealing = nullptr;
  OSSL_FUNC_cipher_decrypt_init_fn* begin_opening = nullptr;
  OSSL_FUNC_cipher_update_fn* update = nullptr;
  OSSL_FUNC_cipher_final_fn* end = nullptr;
  OSSL_FUNC_cipher_get_ctx_params_fn* get = nullptr;
  OSSL_FUNC_cipher_set_ctx_params_fn* set = nullptr;

  explicit Functions(const char* name) : cipher(EVP_CIPHER_fetch(nullptr, name, nullptr)) {
    RONDEL_CHECK(cipher != nullptr);
    const OSSL_PROVIDER* const owner = EVP_CIPHER_get0_provider(cipher);
    provider = OSSL_PROVIDER_get0_provider_ctx(owner);
    const OSSL_ALGORITHM* const found = find_algorithm(*owner, OSSL_OP_CIPHER, name);
    RONDEL_CHECK(found != nullptr);
    const OSSL_DISPATCH* const table = found->implementation;
    make = OSSL_FUNC_cipher_newctx(find_function(table, OSSL_FUNC_CIPHER_NEWCTX));
    free = OSSL_FUNC_cipher_freectx(find_function(table, OSSL_FUNC_CIPHER_FREECTX));
    begin_sealing =
        OSSL_FUNC_cipher_encrypt_init(find_function(table, OSSL_FUNC_CIPHER_ENCRYPT_INIT));
    begin_opening =
        OSSL_FUNC_cipher_decrypt_init(find_function(table, OSSL_FUNC_CIPHER_DECRYPT_INIT));
    update = OSSL_FUNC_cipher_update(find_function(table, OSSL_FUNC_CIPHER_UPDATE));
    end = OSSL_FUNC_cipher_final(find_function(table, OSSL_FUNC_CIPHER_FINAL));
    get = OSSL_FUNC_cipher_get_ctx_params(find_function(table, OSSL_FUNC_CIPHER_GET_CTX_PARAMS));
    set = OSSL_FUNC_cipher_set_ctx_params(find_function(table, OSSL_FUNC_CIPHER_SET_CTX_PARAMS));
  }
};

const AeadContext::Functions& AeadContext::functions_of(Aead aead) {
  // Each when it is needed: a configuration (FIPS) may lack one, which no handshake chooses then.
  switch (aead) {
    case Aead::aes_128_gcm: {
      static const Functions aes_128_gcm("AES-128-GCM");
      return aes_128_gcm;
    }
    case Aead::aes_256_gcm: {
      static const Functions aes_256_gcm("AES-256-GCM");
      return aes_256_gcm;
    }
    case Aead::chacha20_poly1305:
      break;
  }
  static const Functions chacha20_poly1305("ChaCha20-Poly1305");
  return chacha20_poly1305;
}

AeadContext::AeadContext(Aead aead, Direction direction)
    : functions_(functions_of(aead)),
      context_(functions_.make(functions_.provider)),
      direction_(direction) {
  RONDEL_CHECK(context_ != nullptr);
}

AeadContext::~AeadContext() {
  functions_.free(context_);
}

bool AeadContext::begin(std::span<const std::byte> key, std::span<const std::byte> nonce) {
  auto* const start =
      direction_ == Direction::sealing ? functions_.begin_sealing : functions_.begin_opening;
  return start(context_, key.empty() ? nullptr : raw(key), key.size(), raw(nonce), nonce.size(),
               nullptr) == 1;
}

bool AeadContext::authenticate(std::span<const std::byte> bytes) {
  std::size_t size = 0;
  return functions_.update(context_, nullptr, &size, bytes.size(), raw(bytes), bytes.size()) == 1;
}

bool AeadContext::update(std::span<const std::byte> in, std::byte* out) {
  std::size_t size = 0;
  return functions_.update(context_, raw(out), &size, in.size(), raw(in), in.size()) == 1 &&
         size == in.size();
}

bool AeadContext::end() {
  std::array<unsigned char, 16> nothing;  // Every byte came with its update.
  std::size_t size = 0;
  return functions_.end(context_, nothing.data(), &size, nothing.size()) == 1 && size == 0;
}

bool AeadContext::finish(std::span<std::byte> tag) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag.data(), tag.size()),
      OSSL_PARAM_construct_end()};
  return end() && functions_.get(context_, parameters) == 1;
}

bool AeadContext::verify(std::span<const std::byte> tag) {
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG,
                                        const_cast<std::byte*>(tag.data()), tag.size()),
      OSSL_PARAM_construct_end()};
  return functions_.set(context_, parameters) == 1 && end();
}

}  // namespace rondel::tls
