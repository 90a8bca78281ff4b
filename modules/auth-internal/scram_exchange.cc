#include "modules/auth-internal/scram_exchange.h"

#include <algorithm>
#include <fmt/format.h>

namespace rondel::modules::auth_internal {

using xmpp::SaslFailure;

base::Task<api::AuthStep> ScramExchange::step(std::string input, bool has_input) {
  if (state_ == State::challenged) {
    co_return finish(input);
  }
  if (state_ == State::over) {
    co_return api::AuthStep(SaslFailure::malformed_request);
  }
  if (!has_input) {
    // The client speaks first: without an initial response it is asked for it (RFC 6120 §6.4.2).
    co_return api::AuthStep(api::AuthChallenge());
  }
  state_ = State::over;
  auto identity = server_.start(input, parameters_.offer);
  if (!identity) {
    co_return api::AuthStep(identity.error());
  }
  identity_ = std::move(*identity);
  std::vector<xmpp::ScramHash> hashes(1, parameters_.mechanism.hash);
  auto key = co_await keys_.find(parameters_.stores, parameters_.host, identity_.username,
                                 std::move(hashes), parameters_.iterations);
  if (!key) {
    co_return api::AuthStep(key.error());
  }
  state_ = State::challenged;
  account_ = std::move(key->account);
  api::AuthChallenge challenge;
  challenge.data = server_.challenge(std::move(*key));
  co_return api::AuthStep(std::move(challenge));
}

api::AuthStep ScramExchange::finish(const std::string& client_final) {
  state_ = State::over;
  std::string_view binding_data;
  if (identity_.channel_binding) {
    const auto found =
        std::find_if(parameters_.bindings.begin(), parameters_.bindings.end(),
                     [this](const auto& b) { return b.first == *identity_.channel_binding; });
    if (found != parameters_.bindings.end()) {
      binding_data = found->second;
    }
  }
  auto server_final = server_.finish(client_final, binding_data);
  if (!server_final) {
    return server_final.error();
  }
  api::AuthIdentity identity;
  identity.local = std::move(identity_.username);
  identity.authzid = std::move(identity_.authzid);
  identity.account = std::move(account_);
  identity.data = std::move(*server_final);
  identity.mechanism_detail = identity_.channel_binding
                                  ? fmt::format("binding={}", to_text(*identity_.channel_binding))
                                  : std::string();
  return identity;
}

}  // namespace rondel::modules::auth_internal
