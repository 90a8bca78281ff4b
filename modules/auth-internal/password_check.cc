#include "modules/auth-internal/password_check.h"

#include <utility>

#include "base/encoding.h"
#include "xmpp/jid.h"
#include "xmpp/sasl/saslprep.h"

namespace rondel::modules::auth_internal {

base::Task<base::Result<bool, xmpp::SaslFailure>> compare_password(api::HostStores stores,
                                                                   std::string host,
                                                                   std::string username,
                                                                   std::string password) {
  auto prepared = xmpp::saslprep(password);
  base::wipe(password);
  const auto jid = xmpp::Jid::from_parts(username, host);
  // An empty password must not reach a directory, which would take it for an anonymous bind.
  if (!prepared || prepared->empty() || !jid.has_value() || !jid->has_local()) {
    co_return false;
  }
  store::UserKey user{std::string(jid->local()), std::string(jid->domain())};
  const auto is_match = co_await stores.users->check_password(std::move(user), *prepared);
  base::wipe(*prepared);
  if (is_match) {
    co_return *is_match;
  }
  const store::Failure failure = is_match.error().failure;
  if (failure == store::Failure::not_found || failure == store::Failure::invalid) {
    co_return false;
  }
  co_return base::Unexpected(xmpp::SaslFailure::temporary_auth_failure);
}

}  // namespace rondel::modules::auth_internal
