#include "tls/derivation_algorithm.h"

#include <array>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "tls/key_derivation.h"
#include "tls/provider_table.h"

namespace rondel::tls {
namespace {

thread_local SecretListener* listening = nullptr;

std::optional<KeyHash> hash_named(const char* name) {
  for (const char* known : {"SHA2-256", "SHA256", "SHA-256"}) {
    if (OPENSSL_strcasecmp(name, known) == 0) {
      return KeyHash::sha256;
    }
  }
  for (const char* known : {"SHA2-384", "SHA384", "SHA-384"}) {
    if (OPENSSL_strcasecmp(name, known) == 0) {
      return KeyHash::sha384;
    }
  }
  return std::nullopt;
}

/// What libssl asks for, with the names of OpenSSL's own TLS13-KDF.
struct Request {
  int mode = -1;
  std::optional<KeyHash> hash;
  std::optional<std::span<const std::byte>> key, salt;
  std::string_view prefix, label;
  std::span<const std::byte> data;
};

std::span<const std::byte> bytes_of(const OSSL_PARAM& parameter) {
  return {static_cast<const std::byte*>(parameter.data), parameter.data_size};
}
std::string_view text_of(const OSSL_PARAM& parameter) {
  return {static_cast<const char*>(parameter.data), parameter.data_size};
}

/// False if there is anything that we don't understand: a key is never made of half a request.
bool read_parameter(const OSSL_PARAM& parameter, Request& request) {
  const std::string_view name = parameter.key;
  if (name == OSSL_KDF_PARAM_MODE) {
    return OSSL_PARAM_get_int(&parameter, &request.mode) == 1;
  }
  if (name == OSSL_KDF_PARAM_DIGEST) {
    if (parameter.data_type != OSSL_PARAM_UTF8_STRING || parameter.data == nullptr) {
      return false;
    }
    request.hash = hash_named(static_cast<const char*>(parameter.data));
    return request.hash.has_value();
  }
  if (name == OSSL_KDF_PARAM_PROPERTIES) {
    return true;  // Of the digest, which we have.
  }
  if (parameter.data_type != OSSL_PARAM_OCTET_STRING) {
    return false;
  }
  if (name == OSSL_KDF_PARAM_KEY) {
    request.key = bytes_of(parameter);
  } else if (name == OSSL_KDF_PARAM_SALT) {
    request.salt = bytes_of(parameter);
  } else if (name == OSSL_KDF_PARAM_PREFIX) {
    request.prefix = text_of(parameter);
  } else if (name == OSSL_KDF_PARAM_LABEL) {
    request.label = text_of(parameter);
  } else if (name == OSSL_KDF_PARAM_DATA) {
    request.data = bytes_of(parameter);
  } else {
    return false;
  }
  return true;
}

bool is_told(std::string_view label) {
  return label == "c ap traffic" || label == "s ap traffic" || label == "exp master" ||
         label == "res master";
}

bool expand(const Request& request, std::span<std::byte> out) {
  if (!request.key || !try_expand_label(*request.hash, *request.key, request.prefix, request.label,
                                        request.data, out)) {
    return false;
  }
  if (listening != nullptr && is_told(request.label)) {
    listening->derived(request.label, out);
  }
  return true;
}

/// The secret of a stage, out of that of the stage before (the salt; none before the first) and
/// what is new (the key; none: zeros). Source: RFC 8446 §7.1.
bool extract(const Request& request, std::span<std::byte> out) {
  const std::size_t size = hash_bytes(*request.hash);
  if (out.size() != size) {
    return false;
  }
  std::array<std::byte, kHashBytesMax> derived{};
  if (request.salt &&
      !try_expand_label(*request.hash, *request.salt, request.prefix, request.label,
                        empty_hash(*request.hash), std::span(derived).first(size))) {
    return false;
  }
  static constexpr std::array<std::byte, kHashBytesMax> kZeros{};
  hmac(*request.hash, std::span(derived).first(size),
       {request.key.value_or(std::span(kZeros).first(size))}, out);
  base::wipe(derived);
  return true;
}

int derive(void*, unsigned char* out, std::size_t out_size, const OSSL_PARAM parameters[]) {
  Request request;
  for (; parameters != nullptr && parameters->key != nullptr; ++parameters) {
    if (!read_parameter(*parameters, request)) {
      return 0;
    }
  }
  if (!request.hash) {
    return 0;
  }
  const std::span bytes(reinterpret_cast<std::byte*>(out), out_size);
  switch (request.mode) {
    case EVP_KDF_HKDF_MODE_EXPAND_ONLY:
      return expand(request, bytes) ? 1 : 0;
    case EVP_KDF_HKDF_MODE_EXTRACT_ONLY:
      return extract(request, bytes) ? 1 : 0;
    default:
      return 0;
  }
}

/// A derivation keeps nothing: everything comes with derive(), as libssl has it.
void* new_context(void* provider) {
  return provider;
}
void free_context(void*) {
}
int set_parameters(void*, const OSSL_PARAM parameters[]) {
  return parameters == nullptr || parameters->key == nullptr ? 1 : 0;
}

}  // namespace

const OSSL_DISPATCH* derivation_table() {
  static const std::array kFunctions{
      table_line<OSSL_DISPATCH>(OSSL_FUNC_KDF_NEWCTX, &new_context),
      table_line<OSSL_DISPATCH>(OSSL_FUNC_KDF_FREECTX, &free_context),
      table_line<OSSL_DISPATCH>(OSSL_FUNC_KDF_DERIVE, &derive),
      table_line<OSSL_DISPATCH>(OSSL_FUNC_KDF_SET_CTX_PARAMS, &set_parameters),
      OSSL_DISPATCH{0, nullptr},
  };
  return kFunctions.data();
}

ListeningToSecrets::ListeningToSecrets(SecretListener* listener)
    : before_(std::exchange(listening, listener)) {
}

ListeningToSecrets::~ListeningToSecrets() {
  listening = before_;
}

}  // namespace rondel::tls
