// The module auth-internal: SCRAM and PLAIN against the user storage.
#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "modules/api/module_export.h"
#include "modules/api/registrar.h"
#include "modules/auth-internal/auth_settings.h"
#include "modules/auth-internal/credential_maker.h"
#include "modules/auth-internal/key_source.h"
#include "modules/auth-internal/options.h"
#include "modules/auth-internal/plain_exchange.h"
#include "modules/auth-internal/scram_exchange.h"

namespace rondel::modules::auth_internal {
namespace {

constexpr std::array<xmpp::ChannelBindingType, 2> kBindings{
    xmpp::ChannelBindingType::tls_exporter, xmpp::ChannelBindingType::tls_server_end_point};

ChannelBindings bindings_of(const api::AuthChannel& channel) {
  ChannelBindings bindings;
  if (channel.layer != nullptr) {
    for (const xmpp::ChannelBindingType type : kBindings) {
      if (auto data = channel.layer->channel_binding(to_text(type))) {
        bindings.emplace_back(type, std::move(*data));
      }
    }
  }
  return bindings;
}

bool has_bindings(const api::AuthChannel& channel) {
  return channel.layer != nullptr &&
         std::any_of(kBindings.begin(), kBindings.end(), [&](xmpp::ChannelBindingType type) {
           return channel.layer->has_channel_binding(to_text(type));
         });
}

class ShardAuthentication final : public api::ShardModule, public api::Authenticator {
 public:
  ShardAuthentication(api::Shard& shard, std::string secret)
      : shard_(shard), keys_(std::move(secret)), maker_(shard) {
    shard.provide<api::CredentialService>(maker_);
  }

  api::Authenticator& authenticator() { return *this; }

  std::vector<std::string> mechanisms(const api::AuthChannel& channel) override {
    if (is_compared_by_storage(stores_of(channel))) {
      return mechanisms_of_comparing_storage(channel.is_encrypted());
    }
    return offered_mechanisms(settings(channel), channel.is_encrypted(), has_bindings(channel));
  }

  std::unique_ptr<api::AuthExchange> begin(std::string_view mechanism,
                                           const api::AuthChannel& channel) override {
    const api::HostStores stores = stores_of(channel);
    if (mechanism == "PLAIN") {
      AuthSettings here = settings(channel);
      here.hashes = settings_of_host(*shard_.config(), configured_name(channel.host)).hashes;
      return channel.is_encrypted()
                 ? std::make_unique<PlainExchange>(shard_, keys_, stores, channel.host, here)
                 : nullptr;
    }
    const auto scram = xmpp::parse_scram_mechanism(mechanism);
    if (!scram || is_compared_by_storage(stores)) {
      return nullptr;
    }
    ScramParameters parameters;
    parameters.stores = stores;
    parameters.host = channel.host;
    parameters.mechanism = *scram;
    parameters.offer.mechanisms = channel.offered_mechanisms;
    for (const std::string& name : channel.offered_channel_bindings) {
      if (const auto type = xmpp::parse_channel_binding_type(name)) {
        parameters.offer.channel_bindings.push_back(*type);
      }
    }
    if (scram->is_plus) {
      parameters.bindings = bindings_of(channel);
    }
    parameters.iterations = settings(channel).iterations;
    return std::make_unique<ScramExchange>(keys_, std::move(parameters));
  }

 private:
  [[nodiscard]] api::HostStores stores_of(const api::AuthChannel& channel) const {
    const api::Host* host = shard_.find_host(channel.host);
    return host ? host->stores : api::HostStores{};
  }
  [[nodiscard]] static bool is_compared_by_storage(const api::HostStores& stores) {
    return stores.users != nullptr && stores.users->compares_passwords();
  }

  /// The host as the configuration spells it.
  [[nodiscard]] std::string configured_name(const std::string& host) const {
    const api::Host* served = shard_.find_host(host);
    return served != nullptr && served->options != nullptr ? served->options->name : host;
  }

  /// Read once for each configuration, host and interface. Valid until the next call.
  [[nodiscard]] const AuthSettings& settings(const api::AuthChannel& channel) {
    auto config = shard_.config();
    if (config != known_of_) {
      known_.clear();
      known_of_ = std::move(config);
    }
    for (const KnownSettings& known : known_) {
      if (known.host == channel.host && known.interface_name == channel.interface_name) {
        return known.settings;
      }
    }
    const auto options =
        known_of_->options(kModuleName, configured_name(channel.host), channel.interface_name);
    known_.push_back({channel.host, std::string(channel.interface_name), settings_of(options)});
    return known_.back().settings;
  }

  struct KnownSettings {
    std::string host;
    std::string interface_name;
    AuthSettings settings;
  };

  api::Shard& shard_;
  KeySource keys_;
  CredentialMaker maker_;
  std::shared_ptr<const config::Snapshot> known_of_;  ///< The configuration that they are of.
  std::vector<KnownSettings> known_;
};

class AuthModule final : public api::Module {
 public:
  base::Result<void> load(api::Registrar& registrar) override {
    registrar.add_authenticator<&ShardAuthentication::authenticator>("internal");
    secret_.resize(kSecretBytes);
    base::random_bytes(std::as_writable_bytes(std::span(secret_)));
    return {};
  }
  std::unique_ptr<api::ShardModule> start_on_shard(api::Shard& shard) override {
    return std::make_unique<ShardAuthentication>(shard, secret_);
  }

 private:
  std::string secret_;  ///< For hosts whose storage has none yet. Never changed after load().
};

constexpr std::array kProtocols{
    api::Protocol{"RFC 5802", "2010-07"}, api::Protocol{"RFC 7677", "2015-11"},
    api::Protocol{"RFC 4616", "2006-08"}, api::Protocol{"XEP-0440", "1.0.0"},
    api::Protocol{"XEP-0474", "0.5.0"}};

constexpr api::ModuleInfo kInfo{
    .name = kModuleName,
    .description = "Passwords: SCRAM with and without channel binding, and PLAIN under TLS.",
    .options = kOptions,
    .protocols = kProtocols,
    .create = &api::create_module<AuthModule>};

}  // namespace
}  // namespace rondel::modules::auth_internal

RONDEL_MODULE(rondel::modules::auth_internal::kInfo);
