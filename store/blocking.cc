#include "store/blocking.h"

#include <limits>
#include <utility>

namespace rondel::store {
namespace {

base::Unexpected<StoreError> fail_transfer() {
  return fail(Failure::unsupported, "this storage can't be copied from or to");
}

}  // namespace

StoreResult<bool> BlockingUsers::check_password(const UserKey&, const std::string&) {
  return fail(Failure::unsupported, "this user storage doesn't compare passwords");
}

StoreResult<void> BlockingUsers::restore(const AccountWithCredentials&) {
  return fail_transfer();
}

StoreResult<void> BlockingRosters::restore(const UserKey&, const Roster&) {
  return fail_transfer();
}

StoreResult<std::vector<KeyValue>> BlockingKeyValues::list(const UserKey&) {
  return fail_transfer();
}

StoreResult<std::vector<UserKey>> BlockingStore::owners(const std::string&,
                                                        const std::string&,
                                                        std::size_t) {
  return fail_transfer();
}

StoreResult<UserData> BlockingStore::read_all(const UserKey& user) {
  UserData data(user);
  if (!user.local.empty()) {
    if (BlockingUsers* face = users()) {
      auto account = face->credentials(user);
      if (account) {
        data.account = *std::move(account);
      } else if (account.error().failure != Failure::not_found) {
        return base::Unexpected(std::move(account).error());
      }
    }
    if (BlockingRosters* face = rosters()) {
      RONDEL_TRY(data.roster, face->load(user));
    }
    if (BlockingOffline* face = offline()) {
      RONDEL_TRY(data.offline, face->fetch(user, 0, std::numeric_limits<std::size_t>::max()));
    }
  }
  if (BlockingKeyValues* face = key_values()) {
    RONDEL_TRY(data.values, face->list(user));
  }
  return data;
}

StoreResult<void> BlockingStore::write_all(const UserData& data) {
  // Before anything is erased, as not every engine can go back.
  if (data.account && users() != nullptr) {
    for (const Binding& binding : data.account->credentials.bindings) {
      RONDEL_TRY(const auto owners, users()->find_bound(data.user.host, binding));
      if (!owners.empty() && owners.front() != data.user) {
        return fail(Failure::conflict, "another account has a binding of " + to_text(data.user));
      }
    }
  }
  RONDEL_TRY_VOID(erase_user(data.user));
  if (data.account) {
    if (users() == nullptr) {
      return fail_transfer();
    }
    RONDEL_TRY_VOID(users()->restore(*data.account));
  }
  if (data.roster.version != 0) {
    if (rosters() == nullptr) {
      return fail_transfer();
    }
    RONDEL_TRY_VOID(rosters()->restore(data.user, data.roster));
  }
  for (const OfflineStanza& one : data.offline) {
    if (offline() == nullptr) {
      return fail_transfer();
    }
    RONDEL_TRY_VOID(offline()->add(data.user, one.stanza, one.stamp, data.offline.size()));
  }
  for (const KeyValue& one : data.values) {
    if (key_values() == nullptr) {
      return fail_transfer();
    }
    RONDEL_TRY_VOID(key_values()->put(data.user, one.space, one.key, one.value));
  }
  return {};
}

}  // namespace rondel::store
