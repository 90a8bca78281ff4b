// The file with the keys of the service.
#pragma once

#include <string>

#include "base/result.h"

namespace rondel::modules::auth_gssapi {

/// Which service of a keytab a login may be to.
struct Service {
  std::string keytab;     ///< A file.
  std::string principal;  ///< "xmpp/host" in any realm, or "xmpp/host@REALM".

  /// Whether `name`, as Kerberos writes it, is that service.
  [[nodiscard]] bool is(const std::string& name) const;
};

/// Whether the keytab can be read and has a key of the service. Errors: a sentence for the
/// operator.
[[nodiscard]] base::Result<void> check_keytab_blocking(const Service& service);

}  // namespace rondel::modules::auth_gssapi
