#include "xmpp/sasl/failure.h"

#include "base/check.h"

namespace rondel::xmpp {

std::string_view element_name(SaslFailure failure) {
  switch (failure) {
    case SaslFailure::aborted:
      return "aborted";
    case SaslFailure::account_disabled:
      return "account-disabled";
    case SaslFailure::credentials_expired:
      return "credentials-expired";
    case SaslFailure::encryption_required:
      return "encryption-required";
    case SaslFailure::incorrect_encoding:
      return "incorrect-encoding";
    case SaslFailure::invalid_authzid:
      return "invalid-authzid";
    case SaslFailure::invalid_mechanism:
      return "invalid-mechanism";
    case SaslFailure::malformed_request:
      return "malformed-request";
    case SaslFailure::mechanism_too_weak:
      return "mechanism-too-weak";
    case SaslFailure::not_authorized:
      return "not-authorized";
    case SaslFailure::temporary_auth_failure:
      return "temporary-auth-failure";
  }
  RONDEL_CHECK(false);
}

}  // namespace rondel::xmpp
