// A host's data from one storage to another, page by page: whoever asks shows how far it is.
#pragma once

#include "base/task.h"
#include "modules/control/commands.h"

namespace rondel::modules::control {

/// {"from", "to": modules, "host", "after": a local part, "replace"}: copies the next page of
/// users; "next" is what to ask with, or missing at the end.
[[nodiscard]] base::Task<Json> copy_storage(api::Shard& shard, Json request);
/// The same members: says for the next page in what the two differ.
[[nodiscard]] base::Task<Json> compare_storage(api::Shard& shard, Json request);

}  // namespace rondel::modules::control
