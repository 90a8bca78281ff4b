// The face of storage for small private data of modules.
#pragma once

#include <cstddef>
#include <string>

#include "store/user_key.h"

namespace rondel::store {

/// More than this belongs into a face of its own.
inline constexpr std::size_t kValueBytesMax = 256 * 1024;
inline constexpr std::size_t kKeyBytesMax = 3071;  ///< A full JID fits, as space and as key.

/// One value with its place.
struct KeyValue {
  std::string space, key, value;

  friend bool operator==(const KeyValue&, const KeyValue&) = default;
};

/// Errors: invalid, if space or key is empty, too long or holds NUL.
[[nodiscard]] StoreResult<void> check_key(const std::string& space, const std::string& key);

/// Bytes by user, space (a module's name or a namespace) and key; also for a host (no local part).
///
/// Errors: every operation may answer unavailable or invalid. Thread: the shard that attached the
/// session. Owner: the StorageSession.
class KeyValueStore {
 public:
  virtual ~KeyValueStore() = default;

  /// Errors: not_found.
  virtual StoreTask<std::string> get(UserKey user, std::string space, std::string key) = 0;
  /// Adds or replaces. Errors: invalid, if the value is larger than kValueBytesMax.
  virtual StoreTask<void> put(UserKey user,
                              std::string space,
                              std::string key,
                              std::string value) = 0;
  /// What is not there is no error.
  virtual StoreTask<void> remove(UserKey user, std::string space, std::string key) = 0;
};

}  // namespace rondel::store
