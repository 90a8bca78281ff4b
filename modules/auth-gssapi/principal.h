// From a principal and the wish of a client to a local part.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/user_key.h"

namespace rondel::modules::auth_gssapi {

/// "romeo" of "romeo@REALM": one component, nothing quoted, exactly that realm.
[[nodiscard]] std::optional<std::string> local_of_realm(std::string_view principal,
                                                        std::string_view realm);

/// The one of `owners` (of one host) that `authzid` names; without an authzid the only one.
[[nodiscard]] std::optional<std::string> choose_owner(const std::vector<store::UserKey>& owners,
                                                      std::string_view authzid);

}  // namespace rondel::modules::auth_gssapi
