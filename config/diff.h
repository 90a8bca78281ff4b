// What a reload would change.
#pragma once

#include <string>
#include <vector>

#include "config/schema.h"
#include "config/snapshot.h"

namespace rondel::config {

/// One difference between two configurations.
struct Change {
  std::string where;   ///< "[server] threads", "[[interface]] clients", "[host.module.ping] of x".
  std::string before;  ///< As TOML; empty where it was not there. Secrets are "***".
  std::string after;   ///< As TOML; empty where it is gone.
  OnChange on_change = OnChange::restart;
};

/// Every difference in effective values, in the order of the file; positions do not matter. A host
/// or interface that comes or goes is one change, and needs a restart.
[[nodiscard]] std::vector<Change> diff(const Snapshot& before, const Snapshot& after);

}  // namespace rondel::config
