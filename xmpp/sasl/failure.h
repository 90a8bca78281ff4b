// What a SASL exchange can end with besides success.
#pragma once

#include <cstdint>
#include <string_view>

namespace rondel::xmpp {

/// The conditions of `<failure/>`. Source: RFC 6120 §6.5.
enum class SaslFailure : std::uint8_t {
  aborted,
  account_disabled,
  credentials_expired,
  encryption_required,
  incorrect_encoding,
  invalid_authzid,
  invalid_mechanism,
  malformed_request,
  mechanism_too_weak,
  not_authorized,
  temporary_auth_failure,
};

/// The name of the condition's element: "not-authorized".
[[nodiscard]] std::string_view element_name(SaslFailure failure);

}  // namespace rondel::xmpp
