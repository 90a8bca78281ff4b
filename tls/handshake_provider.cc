#include "tls/handshake_provider.h"

#include <array>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <string_view>

#include "tls/derivation_algorithm.h"
#include "tls/provider_table.h"
#include "tls/x25519_algorithm.h"

namespace rondel::tls {
namespace {

constexpr const char* kName = "rondel";
constexpr const char* kProperties = "provider=rondel";
/// A preference, no demand: what we don't have comes from where it came before.
constexpr const char* kPropertyQuery = "?provider=rondel";

constexpr OSSL_ALGORITHM kEnd{nullptr, nullptr, nullptr, nullptr};

const OSSL_ALGORITHM* query(void*, int operation, int* must_not_cache) {
  *must_not_cache = 0;
  const X25519Algorithm* const x25519 = x25519_algorithm();
  switch (operation) {
    case OSSL_OP_KDF: {
      static const std::array kDerivations{
          OSSL_ALGORITHM{OSSL_KDF_NAME_TLS1_3_KDF, kProperties, derivation_table(), nullptr}, kEnd};
      return kDerivations.data();
    }
    case OSSL_OP_KEYMGMT: {
      static const std::array kKeys{
          x25519 ? OSSL_ALGORITHM{x25519->names, kProperties, x25519->keys, nullptr} : kEnd, kEnd};
      return kKeys.data();
    }
    case OSSL_OP_KEYEXCH: {
      static const std::array kExchanges{
          x25519 ? OSSL_ALGORITHM{x25519->names, kProperties, x25519->exchange, nullptr} : kEnd,
          kEnd};
      return kExchanges.data();
    }
    default:
      return nullptr;
  }
}

/// Of what we don't have there is nothing to tell, which is no failure.
int tell_capabilities(void*, const char* capability, OSSL_CALLBACK* listener, void* argument) {
  const X25519Algorithm* const x25519 = x25519_algorithm();
  return x25519 != nullptr && OPENSSL_strcasecmp(capability, "TLS-GROUP") == 0
             ? x25519->tell_group(listener, argument)
             : 1;
}

int start_provider(const OSSL_CORE_HANDLE*,
                   const OSSL_DISPATCH*,
                   const OSSL_DISPATCH** functions,
                   void** provider) {
  static const std::array kFunctions{
      table_line<OSSL_DISPATCH>(OSSL_FUNC_PROVIDER_QUERY_OPERATION, &query),
      table_line<OSSL_DISPATCH>(OSSL_FUNC_PROVIDER_GET_CAPABILITIES, &tell_capabilities),
      OSSL_DISPATCH{0, nullptr}};
  static char self;  // It has no state of its own; OpenSSL wants an address.
  const X25519Algorithm* const x25519 = x25519_algorithm();
  *functions = kFunctions.data();
  *provider = x25519 ? x25519->provider : &self;
  return 1;
}

/// True if OpenSSL gives us what we have just given it: a default query that demands another
/// provider (FIPS) stands above a preference.
bool is_preferred() {
  EVP_KDF* const found = EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_3_KDF, kPropertyQuery);
  const bool is_ours =
      found != nullptr &&
      std::string_view(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(found))) == kName;
  EVP_KDF_free(found);
  return is_ours;
}

}  // namespace

const char* handshake_property_query() {
  // Asked before ours is loaded: looking for it asks the other providers, under OpenSSL's locks.
  static_cast<void>(x25519_algorithm());
  // Stays until the process ends; the providers that there would be without it stay, too.
  static OSSL_PROVIDER* const loaded =
      OSSL_PROVIDER_add_builtin(nullptr, kName, &start_provider) == 1
          ? OSSL_PROVIDER_try_load(nullptr, kName, /*retain_fallbacks=*/1)
          : nullptr;
  static const bool is_there = loaded != nullptr && is_preferred();
  ERR_clear_error();
  return is_there ? kPropertyQuery : nullptr;
}

}  // namespace rondel::tls
