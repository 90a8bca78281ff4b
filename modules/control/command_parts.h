// What the commands have in common.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "modules/api/shard.h"
#include "modules/control/commands.h"

namespace rondel::modules::control {

[[nodiscard]] Json refuse(std::string why);
[[nodiscard]] Json done();

/// A member of a request; empty if it isn't there or no text.
[[nodiscard]] std::string text(const Json& object, const char* name);
[[nodiscard]] std::size_t number(const Json& object, const char* name, std::size_t fallback);

/// The account that a request names, on a host that this server serves. Errors: a sentence.
[[nodiscard]] base::Result<store::UserKey, std::string> user_of(api::Shard& shard,
                                                                const std::string& jid);
/// `user` is what user_of() gave.
[[nodiscard]] store::UserStore& users_of(api::Shard& shard, const store::UserKey& user);

/// A sentence about an error of an account's storage.
[[nodiscard]] std::string explain(const store::StoreError& error, const std::string& jid);

}  // namespace rondel::modules::control
