// Changes passwords and removes accounts for their users.
#pragma once

#include <string>

#include "base/task.h"
#include "config/snapshot.h"
#include "modules/account/account_request.h"
#include "modules/api/account_service.h"
#include "modules/api/registrar.h"

namespace rondel::modules::account {

inline constexpr std::string_view kModuleName = "account";

/// Source: XEP-0077 §3. Thread: the shard's.
class Accounts final : public api::ShardModule, public api::AccountService {
 public:
  explicit Accounts(api::Shard& shard) : shard_(shard) {
    shard.provide<api::AccountService>(*this);
  }
  static base::Result<void> load(api::Registrar& registrar);

  base::Task<api::IqReply> answer(api::IqRequest request);
  store::StoreTask<void> remove_account(store::UserKey user) override;

 private:
  base::Task<api::IqReply> change_password(const api::IqRequest& request, std::string password);
  base::Task<api::IqReply> remove(const api::IqRequest& request);
  /// Removes the account and its data; gives the roster that it had.
  store::StoreTask<store::Roster> erase(store::UserKey user);
  void tell_of_removal(const store::UserKey& user, const store::Roster& roster);

  [[nodiscard]] bool is_allowed(const api::IqRequest& request, std::string_view option) const;
  /// True if a password that the sender writes can't be read on the way.
  [[nodiscard]] bool is_channel_safe(const api::IqRequest& request) const;
  void cancel_subscriptions(xmpp::JidView user, const store::Roster& roster);

  api::Shard& shard_;
};

}  // namespace rondel::modules::account
