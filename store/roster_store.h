// The face of roster storage.
#pragma once

#include <cstdint>
#include <vector>

#include "store/roster.h"
#include "store/user_key.h"

namespace rondel::store {

/// Rosters, whole to read and by items to change. The user need not have an account here.
///
/// Errors: every operation may answer unavailable or invalid. Thread: the shard that attached the
/// session. Owner: the StorageSession.
class RosterStore {
 public:
  virtual ~RosterStore() = default;

  /// A user without one has an empty roster of version 0; never not_found.
  virtual StoreTask<Roster> load(UserKey user) = 0;
  /// All changes or none; gives the new version, which every changed item carries.
  ///
  /// A version is larger than all that this user ever had, also before a removal of the account.
  /// A listed item that is removed or becomes unlisted leaves a RosterRemoval. Removing what isn't
  /// there is no error and leaves nothing.
  virtual StoreTask<std::uint64_t> change(UserKey user, std::vector<RosterChange> changes) = 0;
};

}  // namespace rondel::store
