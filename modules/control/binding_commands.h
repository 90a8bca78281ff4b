// What an account can be authenticated with beside its password.
#pragma once

#include "base/task.h"
#include "modules/control/commands.h"

namespace rondel::modules::control {

/// {"jid", and one or more of "certificate" (DER in base64), "fingerprint", "certificate_name",
/// "principal"}: makes each the account's.
[[nodiscard]] base::Task<Json> bind_user(api::Shard& shard, Json request);
/// The same members: takes each away.
[[nodiscard]] base::Task<Json> unbind_user(api::Shard& shard, Json request);
/// {"jid"}: state, times, keys and bindings; nothing secret.
[[nodiscard]] base::Task<Json> show_user(api::Shard& shard, Json request);

}  // namespace rondel::modules::control
