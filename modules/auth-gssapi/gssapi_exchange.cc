#include "modules/auth-gssapi/gssapi_exchange.h"

#include <optional>
#include <utility>

#include "base/clock.h"
#include "modules/auth-gssapi/principal.h"

namespace rondel::modules::auth_gssapi {

using xmpp::SaslFailure;

namespace {

constexpr char kNoLayer = 1;
constexpr std::size_t kLayersBytes = 4;  ///< A byte of layers, three of a size.

base::Unexpected<Refusal> refuse(SaslFailure failure, std::string reason) {
  return base::Unexpected(Refusal(failure, std::move(reason)));
}

}  // namespace

GssapiExchange::GssapiExchange(api::Shard& shard,
                               log::RateLimit& troubles,
                               ExchangeParameters parameters)
    : shard_(shard),
      troubles_(troubles),
      parameters_(std::move(parameters)),
      acceptor_(parameters_.service, parameters_.replay_cache, parameters_.binding) {
}

base::Task<api::AuthStep> GssapiExchange::step(std::string input, bool has_input) {
  if (!has_input && state_ == State::tokens) {
    co_return api::AuthStep(api::AuthChallenge());
  }
  std::optional<Accepted<std::string>> answer;
  base::UniqueFunction<void()> work(
      [this, &answer, &input] { answer.emplace(advance_blocking(input)); });
  const bool was_run = co_await api::offload(shard_, std::move(work));
  if (!was_run) {
    co_return api::AuthStep(SaslFailure::temporary_auth_failure);
  }
  if (!*answer) {
    state_ = State::over;
    co_return fail(answer->error());
  }
  if (state_ != State::over) {
    co_return api::AuthStep(api::AuthChallenge{std::move(**answer)});
  }
  auto identified = identify();
  co_return co_await identified;
}

Accepted<std::string> GssapiExchange::advance_blocking(const std::string& input) {
  switch (state_) {
    case State::tokens: {
      RONDEL_TRY(std::string token, acceptor_.accept_blocking(input));
      if (acceptor_.is_established()) {
        if (token.empty()) {
          return offer_layers_blocking();
        }
        state_ = State::last_token_sent;
      }
      return token;
    }
    case State::last_token_sent:
      if (!input.empty()) {
        return refuse(SaslFailure::malformed_request, "data where none is due");
      }
      return offer_layers_blocking();
    case State::layers_offered:
      return take_choice_blocking(input);
    case State::over:
      break;
  }
  return refuse(SaslFailure::malformed_request, "the exchange is over");
}

Accepted<std::string> GssapiExchange::offer_layers_blocking() {
  state_ = State::layers_offered;
  const char none[kLayersBytes] = {kNoLayer, 0, 0, 0};
  return acceptor_.wrap_blocking(std::string_view(none, kLayersBytes));
}

Accepted<std::string> GssapiExchange::take_choice_blocking(const std::string& input) {
  RONDEL_TRY(const std::string choice, acceptor_.unwrap_blocking(input));
  if (choice.size() < kLayersBytes) {
    return refuse(SaslFailure::malformed_request, "a choice of a layer that is too short");
  }
  // Without a layer the size is nothing; some clients send it all the same.
  if (choice[0] != kNoLayer) {
    return refuse(SaslFailure::not_authorized, "a security layer that was not offered");
  }
  authzid_ = choice.substr(kLayersBytes);
  if (authzid_.find('\0') != std::string::npos) {
    return refuse(SaslFailure::malformed_request, "NUL in the authorization identity");
  }
  state_ = State::over;
  return std::string();
}

base::Task<api::AuthStep> GssapiExchange::identify() {
  const std::string& principal = acceptor_.principal();
  store::UserStore* users = parameters_.stores.users;
  if (users == nullptr) {
    co_return api::AuthStep(SaslFailure::temporary_auth_failure);
  }
  store::Binding binding(store::BindingKind::principal, principal);
  auto owners = co_await users->find_bound(parameters_.host, std::move(binding));
  std::optional<std::string> local;
  bool is_bound = false;
  if (owners) {
    is_bound = !owners->empty();
    local = choose_owner(*owners, authzid_);
  } else if (owners.error().failure == store::Failure::unavailable) {
    co_return fail(Refusal(SaslFailure::temporary_auth_failure, owners.error().message));
  }
  if (!is_bound) {
    local = local_of_realm(principal, parameters_.realm);
  }
  if (!local && is_bound) {
    co_return fail(Refusal(SaslFailure::invalid_authzid,
                           principal + " is bound to several accounts, and names none of them"));
  }
  if (!local) {
    co_return fail(Refusal(SaslFailure::not_authorized, principal + " is bound to no account"));
  }
  api::AuthIdentity identity;
  // Some clients (slixmpp, by Apple's ccs-kerberos) name their account by its local part alone.
  identity.authzid = authzid_ == *local ? std::string() : authzid_;
  identity.local = std::move(*local);
  identity.mechanism_detail =
      acceptor_.is_bound() ? principal + ", bound to the channel" : principal;
  co_return api::AuthStep(std::move(identity));
}

api::AuthStep GssapiExchange::fail(const Refusal& refusal) {
  if (refusal.failure != SaslFailure::temporary_auth_failure) {
    RONDEL_LOG_DEBUG(shard_.log(), "gssapi.refused", "host={} {}", parameters_.host,
                     refusal.reason);
  } else if (const auto held_back = troubles_.admit(base::monotonic_ms())) {
    RONDEL_LOG_ERROR(shard_.log(), "gssapi.trouble", "host={} {} ({} more were not logged)",
                     parameters_.host, refusal.reason, *held_back);
  }
  return api::AuthStep(refusal.failure);
}

}  // namespace rondel::modules::auth_gssapi
