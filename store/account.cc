#include "store/account.h"

#include <algorithm>

namespace rondel::store {
namespace {

constexpr std::size_t kFingerprintDigits = 64;

bool is_fingerprint(const std::string& text) {
  return text.size() == kFingerprintDigits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

StoreResult<void> check_credentials(const CredentialSet& credentials) {
  unsigned seen = 0;
  for (const ScramCredential& scram : credentials.scram) {
    const unsigned bit = 1U << static_cast<unsigned>(scram.hash);
    if ((seen & bit) != 0) {
      return fail(Failure::invalid, "two SCRAM credentials for the same hash");
    }
    seen |= bit;
    if (scram.iterations == 0 || scram.salt.empty() || scram.stored_key.empty() ||
        scram.server_key.empty()) {
      return fail(Failure::invalid, "an incomplete SCRAM credential");
    }
  }
  if (!credentials.bindings.empty()) {
    return fail(Failure::invalid, "bindings are made by bind, not together with a password");
  }
  return {};
}

std::string_view binding_kind_name(BindingKind kind) {
  switch (kind) {
    case BindingKind::certificate_fingerprint:
      return "certificate_fingerprint";
    case BindingKind::certificate_name:
      return "certificate_name";
    case BindingKind::principal:
      return "principal";
  }
  return "?";
}

StoreResult<void> check_binding(const Binding& binding) {
  const std::string& value = binding.value;
  if (value.size() > kBindingBytesMax || value.find('\0') != std::string::npos) {
    return fail(Failure::invalid, "a binding is too long or holds NUL");
  }
  switch (binding.kind) {
    case BindingKind::certificate_fingerprint:
      if (!is_fingerprint(value)) {
        return fail(Failure::invalid, "a fingerprint is 64 lower-case hexadecimal digits");
      }
      return {};
    case BindingKind::certificate_name:
      for (const std::string_view prefix : {"xmpp:", "email:", "cn:"}) {
        if (value.size() > prefix.size() && value.starts_with(prefix)) {
          return {};
        }
      }
      return fail(Failure::invalid, "a certificate's name begins with xmpp:, email: or cn:");
    case BindingKind::principal: {
      const std::size_t at = value.rfind('@');
      if (at == std::string::npos || at == 0 || at + 1 == value.size()) {
        return fail(Failure::invalid, "a principal looks like name@REALM");
      }
      return {};
    }
  }
  return fail(Failure::invalid, "a binding of an unknown kind");
}

}  // namespace rondel::store
