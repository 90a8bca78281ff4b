// One run of a SCRAM mechanism.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "modules/api/auth.h"
#include "modules/api/shard.h"
#include "modules/auth-internal/key_source.h"
#include "xmpp/sasl/scram_server.h"

namespace rondel::modules::auth_internal {

/// What a channel binds a login to: types that it offers, with their data.
using ChannelBindings = std::vector<std::pair<xmpp::ChannelBindingType, std::string>>;

/// Everything that exchange needs of its stream, copied: the stream may go while storage answers.
struct ScramParameters {
  api::HostStores stores;
  std::string host;
  xmpp::ScramMechanism mechanism;
  xmpp::SaslOffer offer;
  ChannelBindings bindings;
  std::uint32_t iterations = 0;
};

/// Source: RFC 5802, RFC 7677; XEP-0474.
class ScramExchange final : public api::AuthExchange {
 public:
  ScramExchange(KeySource& keys, ScramParameters parameters)
      : keys_(keys), parameters_(std::move(parameters)), server_(parameters_.mechanism) {}

  base::Task<api::AuthStep> step(std::string input, bool has_input) override;

 private:
  enum class State : std::uint8_t { initial, challenged, over };

  [[nodiscard]] api::AuthStep finish(const std::string& client_final);

  KeySource& keys_;
  const ScramParameters parameters_;
  xmpp::ScramServer server_;
  xmpp::ScramIdentity identity_;
  std::optional<store::Account> account_;
  State state_ = State::initial;
};

}  // namespace rondel::modules::auth_internal
