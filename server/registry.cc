#include "server/registry.h"

#include <algorithm>
#include <fmt/format.h>

namespace rondel::server {

const Registry::Iq* Registry::find_iq(std::string_view name,
                                      std::string_view ns,
                                      bool is_account) const {
  const auto found = std::find_if(iqs.begin(), iqs.end(), [&](const Iq& iq) {
    return (is_account ? iq.route.for_account : iq.route.for_host) && iq.name == name &&
           iq.ns == ns;
  });
  return found == iqs.end() ? nullptr : &*found;
}

ModuleRegistrar::ModuleRegistrar(Registry& registry,
                                 ModuleIndex module,
                                 std::shared_ptr<const config::Snapshot> config)
    : registry_(registry), module_(module), config_(std::move(config)) {
}

void ModuleRegistrar::taken_twice(std::string_view what) {
  problem_ = fmt::format("{} is registered by another module already", what);
}

void ModuleRegistrar::add_storage(std::unique_ptr<store::Storage> storage) {
  registry_.storages.push_back(std::move(storage));
  registry_.storage_owners.push_back(module_);
}

void ModuleRegistrar::add_disco_feature(std::string feature, bool for_host, bool for_account) {
  registry_.disco_features.push_back({module_, std::move(feature), for_host, for_account});
}

void ModuleRegistrar::add_disco_identity(api::DiscoIdentity identity,
                                         bool for_host,
                                         bool for_account) {
  registry_.disco_identities.push_back({module_, std::move(identity), for_host, for_account});
}

void ModuleRegistrar::register_hook(hooks::Point point,
                                    std::string hook_name,
                                    hooks::Order order,
                                    hooks::Entry::Function function) {
  registry_.hooks.add({point, name(), std::move(hook_name), std::move(order), function});
}

void ModuleRegistrar::register_iq(const api::IqRoute& route,
                                  api::IqFunction function,
                                  api::IqTaskFunction task) {
  if ((route.for_host && registry_.find_iq(route.name, route.ns, false)) ||
      (route.for_account && registry_.find_iq(route.name, route.ns, true))) {
    taken_twice(fmt::format("the handler of <{} xmlns='{}'/>", route.name, route.ns));
    return;
  }
  registry_.iqs.push_back(
      {module_, std::string(route.name), std::string(route.ns), route, function, task});
  if (route.is_feature) {
    add_disco_feature(std::string(route.ns), route.for_host, route.for_account);
  }
}

void ModuleRegistrar::register_presence_handler(api::OutboundPresenceFunction outbound,
                                                api::InboundPresenceFunction inbound) {
  if (registry_.outbound_presence) {
    taken_twice("the presence handler");
    return;
  }
  registry_.outbound_presence = {module_, outbound};
  registry_.inbound_presence = {module_, inbound};
}

void ModuleRegistrar::register_message_fallback(api::FallbackFunction function) {
  if (registry_.message_fallback) {
    taken_twice("the handler of undeliverable messages");
    return;
  }
  registry_.message_fallback = {module_, function};
}

void ModuleRegistrar::register_stream_feature(api::FeatureStage stage,
                                              api::AdvertiseFunction advertise,
                                              std::string ns,
                                              api::ElementFunction element) {
  registry_.stream_features.push_back({module_, stage, advertise, std::move(ns), element});
}

void ModuleRegistrar::register_extension(api::InstallFunction install) {
  registry_.extensions[name()] = {module_, install};
}

void ModuleRegistrar::register_authenticator(std::string authenticator,
                                             api::AuthenticatorFunction function,
                                             bool asks_for_accounts) {
  if (!asks_for_accounts) {
    registry_.accountless_authenticators.insert(authenticator);
  }
  if (!registry_.authenticators.try_emplace(authenticator, Owned{module_, function}).second) {
    taken_twice(fmt::format("authentication \"{}\"", authenticator));
  }
}

void ModuleRegistrar::register_raw_interface(api::RawInterface interface,
                                             api::RawFunction function) {
  registry_.raw_interfaces.push_back({module_, std::move(interface), function});
}

void ModuleRegistrar::register_session_observer(api::SessionFunction started,
                                                api::SessionFunction ended) {
  registry_.session_started.push_back({module_, started});
  registry_.session_ended.push_back({module_, ended});
}

void ModuleRegistrar::register_account_observer(api::AccountFunction function) {
  registry_.account_observers.push_back({module_, function});
}

}  // namespace rondel::server
