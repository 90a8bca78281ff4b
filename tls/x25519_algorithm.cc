#include "tls/x25519_algorithm.h"

#include <array>
#include <new>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <sodium/crypto_scalarmult_curve25519.h>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "tls/provider_table.h"

namespace rondel::tls {
namespace {

constexpr const char* kName = "X25519";
constexpr std::size_t kKeyBytes = 32;

/// OpenSSL's functions that a new key is made with.
struct Theirs {
  OSSL_FUNC_keymgmt_new_fn* make = nullptr;
  OSSL_FUNC_keymgmt_free_fn* free = nullptr;
  OSSL_FUNC_keymgmt_import_fn* import = nullptr;
};
Theirs theirs;  // Written once, before anything can be called.
const OSSL_PROVIDER* owner = nullptr;

/// A key, or parameters for one, about to be made.
struct Generation {
  void* provider;
  bool is_pair;
};

int set_generation(void*, const OSSL_PARAM parameters[]) {
  const OSSL_PARAM* const group = OSSL_PARAM_locate_const(parameters, OSSL_PKEY_PARAM_GROUP_NAME);
  const bool is_ours =
      group == nullptr || (group->data_type == OSSL_PARAM_UTF8_STRING &&
                           OPENSSL_strcasecmp(static_cast<const char*>(group->data), kName) == 0);
  return is_ours ? 1 : 0;
}

const OSSL_PARAM* settable_of_generation(void*, void*) {
  static const std::array kSettable{
      OSSL_PARAM{OSSL_PKEY_PARAM_GROUP_NAME, OSSL_PARAM_UTF8_STRING, nullptr, 0, 0},
      OSSL_PARAM{nullptr, 0, nullptr, 0, 0}};
  return kSettable.data();
}

void* begin_generation(void* provider, int selection, const OSSL_PARAM parameters[]) {
  if (set_generation(nullptr, parameters) != 1) {
    return nullptr;
  }
  return new (std::nothrow) Generation{provider, (selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0};
}

void end_generation(void* generation) {
  delete static_cast<Generation*>(generation);
}

/// Random bytes as a key, and the public half. Source: RFC 7748 §5, §6.1.
bool fill(void* key) {
  std::array<unsigned char, kKeyBytes> secret;
  std::array<unsigned char, kKeyBytes> open;
  bool is_filled = RAND_priv_bytes_ex(nullptr, secret.data(), secret.size(), 0) == 1;
  secret.front() &= 0xf8;
  secret.back() = static_cast<unsigned char>((secret.back() & 0x7f) | 0x40);
  const std::array parameters{
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, secret.data(), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, open.data(), open.size()),
      OSSL_PARAM_construct_end()};
  // Without sodium_init(): it would choose a ladder for this call, at twice the time. The call
  // itself has no state.
  is_filled = is_filled && crypto_scalarmult_curve25519_base(open.data(), secret.data()) == 0 &&
              theirs.import(key, OSSL_KEYMGMT_SELECT_KEYPAIR, parameters.data()) == 1;
  base::wipe(std::as_writable_bytes(std::span(secret)));
  return is_filled;
}

void* generate(void* context, OSSL_CALLBACK*, void*) {
  const auto& generation = *static_cast<const Generation*>(context);
  void* const key = theirs.make(generation.provider);
  if (key != nullptr && generation.is_pair && !fill(key)) {
    theirs.free(key);
    return nullptr;
  }
  return key;
}

/// OpenSSL's table of what is done with keys, but for their making. What isn't known here isn't
/// taken over: a newer function might look into a Generation that isn't its own.
std::vector<OSSL_DISPATCH> keys_like(const OSSL_DISPATCH* table) {
  std::vector<OSSL_DISPATCH> keys{
      table_line<OSSL_DISPATCH>(OSSL_FUNC_KEYMGMT_GEN_INIT, &begin_generation),
      table_line<OSSL_DISPATCH>(OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, &set_generation),
      table_line<OSSL_DISPATCH>(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, &settable_of_generation),
      table_line<OSSL_DISPATCH>(OSSL_FUNC_KEYMGMT_GEN, &generate),
      table_line<OSSL_DISPATCH>(OSSL_FUNC_KEYMGMT_GEN_CLEANUP, &end_generation)};
  for (; table->function_id != 0; ++table) {
    switch (table->function_id) {
      case OSSL_FUNC_KEYMGMT_NEW:
        theirs.make = OSSL_FUNC_keymgmt_new(table);
        break;
      case OSSL_FUNC_KEYMGMT_FREE:
        theirs.free = OSSL_FUNC_keymgmt_free(table);
        break;
      case OSSL_FUNC_KEYMGMT_IMPORT:
        theirs.import = OSSL_FUNC_keymgmt_import(table);
        break;
      case OSSL_FUNC_KEYMGMT_GET_PARAMS:
      case OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS:
      case OSSL_FUNC_KEYMGMT_SET_PARAMS:
      case OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS:
      case OSSL_FUNC_KEYMGMT_HAS:
      case OSSL_FUNC_KEYMGMT_VALIDATE:
      case OSSL_FUNC_KEYMGMT_MATCH:
      case OSSL_FUNC_KEYMGMT_IMPORT_TYPES:
      case OSSL_FUNC_KEYMGMT_EXPORT:
      case OSSL_FUNC_KEYMGMT_EXPORT_TYPES:
      case OSSL_FUNC_KEYMGMT_DUP:
        break;
      default:
        continue;
    }
    keys.push_back(*table);
  }
  keys.push_back({0, nullptr});
  return keys;
}

struct GroupListener {
  OSSL_CALLBACK* listener;
  void* argument;
};

int hear_group(const OSSL_PARAM parameters[], void* argument) {
  const auto& to = *static_cast<const GroupListener*>(argument);
  const OSSL_PARAM* const algorithm =
      OSSL_PARAM_locate_const(parameters, OSSL_CAPABILITY_TLS_GROUP_ALG);
  const bool is_ours = algorithm != nullptr && algorithm->data_type == OSSL_PARAM_UTF8_STRING &&
                       OPENSSL_strcasecmp(static_cast<const char*>(algorithm->data), kName) == 0;
  return is_ours ? to.listener(parameters, to.argument) : 1;
}

int tell_group(OSSL_CALLBACK* listener, void* argument) {
  GroupListener to{listener, argument};
  return OSSL_PROVIDER_get_capabilities(owner, "TLS-GROUP", &hear_group, &to);
}

const X25519Algorithm* make_algorithm() {
  // Held for good, and with it the provider.
  static EVP_KEYMGMT* const fetched = EVP_KEYMGMT_fetch(nullptr, kName, nullptr);
  ERR_clear_error();
  owner = fetched ? EVP_KEYMGMT_get0_provider(fetched) : nullptr;
  if (owner == nullptr || std::string_view(OSSL_PROVIDER_get0_name(owner)) != "default") {
    return nullptr;
  }
  const OSSL_ALGORITHM* const keys = find_algorithm(*owner, OSSL_OP_KEYMGMT, kName);
  const OSSL_ALGORITHM* const exchange = find_algorithm(*owner, OSSL_OP_KEYEXCH, kName);
  if (keys == nullptr || exchange == nullptr) {
    return nullptr;
  }
  static const std::vector<OSSL_DISPATCH> table = keys_like(keys->implementation);
  static const X25519Algorithm algorithm{keys->algorithm_names, table.data(),
                                         exchange->implementation,
                                         OSSL_PROVIDER_get0_provider_ctx(owner), &tell_group};
  return theirs.make && theirs.free && theirs.import ? &algorithm : nullptr;
}

}  // namespace

const X25519Algorithm* x25519_algorithm() {
  static const X25519Algorithm* const algorithm = make_algorithm();
  return algorithm;
}

}  // namespace rondel::tls
