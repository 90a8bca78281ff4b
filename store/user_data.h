// All that a storage holds of one user, for moving it to another storage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/account.h"
#include "store/key_value_store.h"
#include "store/offline_store.h"
#include "store/roster.h"

namespace rondel::store {

/// A user without a local part is the host itself, of which there are values only.
struct UserData {
  UserData() = default;
  explicit UserData(UserKey of) : user(std::move(of)) {}

  UserKey user;
  std::optional<AccountWithCredentials> account;  ///< With bindings, state and times.
  Roster roster;                                  ///< With versions and removals.
  std::vector<OfflineStanza> offline;             ///< Oldest first.
  std::vector<KeyValue> values;                   ///< By space, then key.
};

/// True if both say the same. The numbers of offline stanzas don't count: each storage has its own.
[[nodiscard]] bool is_same_data(const UserData& one, const UserData& other);

}  // namespace rondel::store
