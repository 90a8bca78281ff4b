#include "modules/auth-external/settings.h"

namespace rondel::modules::auth_external {

Settings settings_of(const config::Options& options) {
  Settings settings;
  for (const std::string& kind : options.texts("identities")) {
    settings.kinds.push_back(kind == "xmpp"    ? NameKind::xmpp
                             : kind == "email" ? NameKind::email
                                               : NameKind::common_name);
  }
  settings.is_address_account = options.boolean("address_is_account");
  settings.takes_any_issuer = options.text("issuers") == "any";
  return settings;
}

bool may_authenticate(const api::ClientCertificate& certificate, const Settings& settings) {
  switch (certificate.trust) {
    case api::CertificateTrust::verified:
      return true;
    case api::CertificateTrust::unknown_issuer:
      return settings.takes_any_issuer;
    case api::CertificateTrust::unusable:
      break;
  }
  return false;
}

}  // namespace rondel::modules::auth_external
