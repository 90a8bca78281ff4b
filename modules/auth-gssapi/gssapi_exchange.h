// One run of GSSAPI.
#pragma once

#include <cstdint>
#include <string>

#include "log/rate_limit.h"
#include "modules/api/auth.h"
#include "modules/api/shard.h"
#include "modules/auth-gssapi/acceptor.h"

namespace rondel::modules::auth_gssapi {

/// What an exchange needs of its stream, copied: the stream may go while a worker works.
struct ExchangeParameters {
  api::HostStores stores;
  std::string host;
  Service service;
  std::string realm;  ///< Its principals are local parts by themselves; empty: no realm's.
  std::string replay_cache;
  std::string binding;  ///< See Acceptor.
};

/// Offers no security layer: XMPP has TLS. Source: RFC 4752 §3.2, RFC 6120 §6.
class GssapiExchange final : public api::AuthExchange {
 public:
  /// `troubles` limits the lines that clients can cause; it outlives the exchange.
  GssapiExchange(api::Shard& shard, log::RateLimit& troubles, ExchangeParameters parameters);

  base::Task<api::AuthStep> step(std::string input, bool has_input) override;

 private:
  enum class State : std::uint8_t { tokens, last_token_sent, layers_offered, over };

  /// On a worker. What goes to the client; nothing is proven before `over`.
  [[nodiscard]] Accepted<std::string> advance_blocking(const std::string& input);
  [[nodiscard]] Accepted<std::string> offer_layers_blocking();
  [[nodiscard]] Accepted<std::string> take_choice_blocking(const std::string& input);
  [[nodiscard]] base::Task<api::AuthStep> identify();
  [[nodiscard]] api::AuthStep fail(const Refusal& refusal);

  api::Shard& shard_;
  log::RateLimit& troubles_;
  const ExchangeParameters parameters_;
  Acceptor acceptor_;
  State state_ = State::tokens;
  std::string authzid_;
};

}  // namespace rondel::modules::auth_gssapi
