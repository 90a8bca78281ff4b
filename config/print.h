// The effective configuration, for people and for reading back.
#pragma once

#include <string>

#include "config/snapshot.h"

namespace rondel::config {

/// Valid TOML: every value that holds, each with a comment that says where it comes from. Read
/// back, it gives the same snapshot, except for secrets, which are printed as "***".
[[nodiscard]] std::string print_config(const Snapshot& snapshot);

}  // namespace rondel::config
