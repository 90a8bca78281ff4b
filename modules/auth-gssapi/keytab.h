// The file with the keys of the service.
#pragma once

#include <string>

#include "base/result.h"

namespace rondel::modules::auth_gssapi {

/// Which service of a keytab a login may be to.
struct Service {
  std::string keytab;     ///< A file.
  std::string principal;  ///< "xmpp/host" in any realm, or "xmpp/host@REALM".
  /// The same service by the server's hostname, "xmpp/hostname/host", or "". Source: XEP-0233 §3.
  std::string domain_based{};
  /// False if `principal` is only what clients may ask for that don't know XEP-0233.
  bool is_principal_needed = true;

  /// Whether `name`, as Kerberos writes it, is that service by either name.
  [[nodiscard]] bool is(const std::string& name) const;
};

/// Whether the keytab can be read and has the keys of the service that are needed. Errors: a
/// sentence for the operator.
[[nodiscard]] base::Result<void> check_keytab_blocking(const Service& service);

}  // namespace rondel::modules::auth_gssapi
