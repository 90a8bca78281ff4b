// Ends an account with all that hangs on it; the module `account` provides it.
#pragma once

#include <string_view>

#include "store/store_result.h"
#include "store/user_key.h"

namespace rondel::api {

/// Provided on every shard; works for accounts of any home shard.
///
/// Thread: the shard's. Owner: the module.
class AccountService {
 public:
  static constexpr std::string_view kServiceName = "accounts";

  virtual ~AccountService() = default;
  /// Removes the account and its data, cancels its subscriptions both ways, and ends its sessions.
  ///
  /// Errors: not_found, unavailable; then nothing has happened.
  virtual store::StoreTask<void> remove_account(store::UserKey user) = 0;
};

}  // namespace rondel::api
