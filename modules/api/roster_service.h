// The roster as other modules ask for it; the module `roster` provides it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "modules/api/session.h"
#include "store/roster_store.h"

namespace rondel::api {

/// A user's roster on the user's home shard: cached while the user is in use, stored before it is
/// answered.
///
/// Thread: the home shard's.
class RosterService {
 public:
  static constexpr std::string_view kServiceName = "roster";
  virtual ~RosterService() = default;

  /// The roster if it is in memory (always, once a session of the user was bound and its first
  /// presence handled).
  [[nodiscard]] virtual const store::Roster* cached(const User& user) const = 0;
  /// Loads it if need be. `user` stays in use while one of its stanzas is processed, which is when
  /// a handler asks; the pointer is good until the next wait.
  virtual base::Task<store::StoreResult<const store::Roster*>> load(User& user) = 0;
  /// Stores the changes in one transaction, updates the cache, then pushes to interested resources
  /// (RFC 6121 §2.1.6) those items that a client may see.
  virtual base::Task<store::StoreResult<void>> change(User& user,
                                                      std::vector<store::RosterChange> changes) = 0;
};

}  // namespace rondel::api
