// The face of storages that know groups.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "store/host_groups.h"
#include "store/store_result.h"

namespace rondel::store {

/// Groups whose members are contacts of each other; written elsewhere, read as a whole.
///
/// Errors: load may answer unavailable. Thread: the shard that attached the session. Owner: the
/// StorageSession.
class GroupStore {
 public:
  virtual ~GroupStore() = default;

  /// How often the groups of a host are to be read; nothing, if it has none here. No question to
  /// the storage.
  [[nodiscard]] virtual std::optional<std::chrono::milliseconds> refresh_interval(
      std::string_view host) const = 0;
  /// As they are now. Where nothing has changed since the last time it is the same object.
  virtual StoreTask<std::shared_ptr<const HostGroups>> load(std::string host) = 0;
};

}  // namespace rondel::store
