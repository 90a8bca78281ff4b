// Everything that modules have registered, by owner; filled at start, then only read.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hooks/plan.h"
#include "modules/api/registrar.h"

namespace rondel::server {

/// Index of a module in load order; its state on a shard stands at the same index there.
using ModuleIndex = std::uint16_t;

/// A plain function together with the module whose state it works on.
template <class Function>
struct Owned {
  ModuleIndex module = 0;
  Function function = nullptr;
  explicit operator bool() const { return function != nullptr; }
};

/// The record of what all modules do.
///
/// Thread: written at start-up, read by every shard afterwards. Owner: the server.
class Registry {
 public:
  struct Iq {
    ModuleIndex module;
    std::string name, ns;
    api::IqRoute
        route;  ///< Its texts point into `name` and `ns`' originals: static data of the module.
    api::IqFunction function;
    api::IqTaskFunction task;
  };
  struct StreamFeature {
    ModuleIndex module;
    api::FeatureStage stage;
    api::AdvertiseFunction advertise;
    std::string ns;
    api::ElementFunction element;
  };
  struct Raw {
    ModuleIndex module;
    api::RawInterface interface;
    api::RawFunction function;
  };
  struct Feature {
    ModuleIndex module;
    std::string name;
    bool for_host, for_account;
  };
  struct Identity {
    ModuleIndex module;
    api::DiscoIdentity identity;
    bool for_host, for_account;
  };

  /// The handler of an IQ payload at a host or an account; null if there is none.
  [[nodiscard]] const Iq* find_iq(std::string_view name,
                                  std::string_view ns,
                                  bool is_account) const;

  hooks::Plan hooks;
  std::vector<std::string> module_names;  ///< In load order.
  std::vector<Iq> iqs;
  Owned<api::OutboundPresenceFunction> outbound_presence;
  Owned<api::InboundPresenceFunction> inbound_presence;
  Owned<api::FallbackFunction> message_fallback;
  std::vector<StreamFeature> stream_features;
  std::map<std::string, Owned<api::InstallFunction>, std::less<>> extensions;  ///< By module name.
  std::map<std::string, Owned<api::AuthenticatorFunction>, std::less<>> authenticators;
  std::set<std::string, std::less<>> accountless_authenticators;  ///< Which need no storage.
  std::vector<std::unique_ptr<store::Storage>> storages;
  std::vector<ModuleIndex> storage_owners;  ///< The module of each of them.
  std::vector<Raw> raw_interfaces;
  std::vector<Owned<api::SessionFunction>> session_started, session_ended;
  std::vector<Owned<api::AccountFunction>> account_observers;
  std::vector<Feature> disco_features;
  std::vector<Identity> disco_identities;
  std::uint8_t session_slots = 0;
  std::uint8_t user_slots = 0;
};

/// The Registrar of one module: writes into the Registry under its name.
class ModuleRegistrar final : public api::Registrar {
 public:
  ModuleRegistrar(Registry& registry,
                  ModuleIndex module,
                  std::shared_ptr<const config::Snapshot> config);

  /// What went wrong in registrations that themselves can't fail: a name taken twice. Empty:
  /// nothing.
  [[nodiscard]] const std::string& problem() const { return problem_; }

  [[nodiscard]] const config::Snapshot& config() const override { return *config_; }
  void add_storage(std::unique_ptr<store::Storage> storage) override;
  void add_disco_feature(std::string feature, bool for_host, bool for_account) override;
  void add_disco_identity(api::DiscoIdentity identity, bool for_host, bool for_account) override;

 protected:
  void register_hook(hooks::Point point,
                     std::string name,
                     hooks::Order order,
                     hooks::Entry::Function function) override;
  void register_iq(const api::IqRoute& route,
                   api::IqFunction function,
                   api::IqTaskFunction task) override;
  void register_presence_handler(api::OutboundPresenceFunction outbound,
                                 api::InboundPresenceFunction inbound) override;
  void register_message_fallback(api::FallbackFunction function) override;
  void register_stream_feature(api::FeatureStage stage,
                               api::AdvertiseFunction advertise,
                               std::string ns,
                               api::ElementFunction element) override;
  void register_extension(api::InstallFunction install) override;
  void register_authenticator(std::string name,
                              api::AuthenticatorFunction function,
                              bool asks_for_accounts) override;
  void register_raw_interface(api::RawInterface interface, api::RawFunction function) override;
  void register_session_observer(api::SessionFunction started, api::SessionFunction ended) override;
  void register_account_observer(api::AccountFunction function) override;
  std::uint8_t next_session_slot() override { return registry_.session_slots++; }
  std::uint8_t next_user_slot() override { return registry_.user_slots++; }

 private:
  void taken_twice(std::string_view what);
  [[nodiscard]] const std::string& name() const { return registry_.module_names[module_]; }

  Registry& registry_;
  const ModuleIndex module_;
  std::shared_ptr<const config::Snapshot> config_;
  std::string problem_;
};

}  // namespace rondel::server
