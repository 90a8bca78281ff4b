// Changes passwords and removes accounts for their users.
#pragma once

#include <string>

#include "base/task.h"
#include "config/snapshot.h"
#include "modules/account/account_request.h"
#include "modules/api/registrar.h"

namespace rondel::modules::account {

inline constexpr std::string_view kModuleName = "account";

/// Source: XEP-0077 §3. Thread: the shard's.
class Accounts final : public api::ShardModule {
 public:
  explicit Accounts(api::Shard& shard) : shard_(shard) {}
  static base::Result<void> load(api::Registrar& registrar);

  base::Task<api::IqReply> answer(api::IqRequest request);

 private:
  base::Task<api::IqReply> change_password(const api::IqRequest& request, std::string password);
  base::Task<api::IqReply> remove(const api::IqRequest& request);

  [[nodiscard]] bool is_allowed(const api::IqRequest& request, std::string_view option) const;
  /// True if a password that the sender writes can't be read on the way.
  [[nodiscard]] bool is_channel_safe(const api::IqRequest& request) const;
  void cancel_subscriptions(xmpp::JidView user, const store::Roster& roster);

  api::Shard& shard_;
};

}  // namespace rondel::modules::account
