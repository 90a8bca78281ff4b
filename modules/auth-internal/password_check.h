// Passwords that the storage itself compares.
#pragma once

#include <string>

#include "base/task.h"
#include "modules/api/shard.h"
#include "xmpp/sasl/failure.h"

namespace rondel::modules::auth_internal {

/// Asks a user storage whose compares_passwords() is true; `stores.users` is not null.
///
/// `username` is not prepared yet. A wrong password, an unknown user and a name that can't be a
/// user's are all false. Errors: temporary_auth_failure if the storage can't tell.
[[nodiscard]] base::Task<base::Result<bool, xmpp::SaslFailure>> compare_password(
    api::HostStores stores, std::string host, std::string username, std::string password);

}  // namespace rondel::modules::auth_internal
