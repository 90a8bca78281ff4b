// Which storage holds which kind of a host's data.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/problem.h"
#include "config/snapshot.h"
#include "server/registry.h"

namespace rondel::server {

/// Indices into Registry::storages; a kind that nobody holds has none.
struct HostStorages {
  std::optional<std::size_t> users{}, rosters{}, offline{}, values{}, groups{};
  friend bool operator==(const HostStorages&, const HostStorages&) = default;
};

/// For each host and kind the storage that [host.storage] names, else the first that holds it; one
/// whose module is off for the host holds nothing of it. No storage is opened for that.
///
/// `host_names` are the hosts of the snapshot in its order, normalised. Errors: a storage is named
/// that doesn't hold the kind; nobody holds the users of a host where somebody logs in by an
/// account.
[[nodiscard]] base::Result<std::vector<HostStorages>, config::Problems> host_storages(
    const config::Snapshot& snapshot,
    const Registry& registry,
    std::span<const std::string> host_names);

}  // namespace rondel::server
