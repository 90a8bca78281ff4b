#include "modules/auth-internal/plain_exchange.h"

#include <optional>
#include <utility>

#include "base/encoding.h"
#include "modules/auth-internal/password_check.h"
#include "xmpp/sasl/plain.h"

namespace rondel::modules::auth_internal {

using xmpp::SaslFailure;

namespace {

api::AuthStep accept(const xmpp::PlainMessage& message, std::optional<store::Account> account) {
  api::AuthIdentity identity;
  identity.local = message.username;
  identity.authzid = message.authzid;
  identity.account = std::move(account);
  return identity;
}

}  // namespace

base::Task<api::AuthStep> PlainExchange::step(std::string input, bool has_input) {
  if (!has_input) {
    co_return api::AuthStep(api::AuthChallenge());
  }
  auto message = xmpp::parse_plain(input);
  base::wipe(input);
  if (!message) {
    co_return api::AuthStep(message.error());
  }
  if (stores_.users != nullptr && stores_.users->compares_passwords()) {
    auto is_right = co_await compare_password(stores_, host_, message->username, message->password);
    if (!is_right) {
      co_return api::AuthStep(is_right.error());
    }
    co_return *is_right ? accept(*message, {}) : api::AuthStep(SaslFailure::not_authorized);
  }
  auto key = co_await keys_.find(stores_, host_, message->username, settings_.hashes,
                                 settings_.iterations);
  if (!key) {
    co_return api::AuthStep(key.error());
  }
  bool is_match = false;
  base::UniqueFunction<void()> work(
      [&is_match, &key, &message] { is_match = password_matches(*key, message->password); });
  const bool was_run = co_await api::offload(shard_, std::move(work));
  if (!was_run) {
    co_return api::AuthStep(SaslFailure::temporary_auth_failure);
  }
  co_return is_match ? accept(*message, std::move(key->account))
                     : api::AuthStep(SaslFailure::not_authorized);
}

}  // namespace rondel::modules::auth_internal
