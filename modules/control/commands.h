// What the control interface can be asked, one function for each command.
#pragma once

#include <nlohmann/json.hpp>

#include "base/task.h"
#include "modules/api/shard.h"

namespace rondel::modules::control {

using Json = nlohmann::json;

/// Carries out a request and gives the answer; never throws, whatever the request holds.
///
/// Thread: the shard's; `request` is taken by value because the task outlives the caller.
[[nodiscard]] base::Task<Json> execute(api::Shard& shard, Json request);

}  // namespace rondel::modules::control
