// The face of offline storage: stanzas that wait for their user.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "store/timestamp.h"
#include "store/user_key.h"

namespace rondel::store {

struct OfflineStanza {
  std::uint64_t id = 0;  ///< Grows with each stanza of a user; never used twice.
  Timestamp stamp{};     ///< When the server took it (XEP-0203).
  std::string stanza;
};

/// What may wait for one user.
struct OfflineLimits {
  OfflineLimits(std::size_t count,  // NOLINT(google-explicit-constructor)
                std::size_t bytes = std::numeric_limits<std::size_t>::max())
      : count_max(count), bytes_max(bytes) {}

  std::size_t count_max;  ///< Stanzas.
  std::size_t bytes_max;  ///< Of all of their texts.
};

/// Source: XEP-0160. A stanza whose add() was answered survives a crash.
///
/// Errors: every operation may answer unavailable or invalid. Thread: the shard that attached the
/// session. Owner: the StorageSession.
class OfflineStore {
 public:
  virtual ~OfflineStore() = default;

  /// Errors: full, if more would wait with it than `limits` allow.
  virtual StoreTask<void> add(UserKey user,
                              std::string stanza,
                              Timestamp stamp,
                              OfflineLimits limits) = 0;
  /// The oldest ones whose id is larger than `after_id` (0: from the first), at most `limit`.
  virtual StoreTask<std::vector<OfflineStanza>> fetch(UserKey user,
                                                      std::uint64_t after_id,
                                                      std::size_t limit) = 0;
  /// All up to and with `id`; what is not there is no error.
  virtual StoreTask<void> remove_through(UserKey user, std::uint64_t id) = 0;
  /// These; what is not there is no error.
  virtual StoreTask<void> remove(UserKey user, std::vector<std::uint64_t> ids) = 0;
  virtual StoreTask<std::uint64_t> count(UserKey user) = 0;
};

}  // namespace rondel::store
