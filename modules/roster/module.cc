// The module roster: contact lists, kept by the server for every account.
#include <array>
#include <memory>

#include "modules/api/module_export.h"
#include "modules/roster/roster_module.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::roster {
namespace {

constexpr std::array kProtocols{api::Protocol{"RFC 6121 §2", "2011"},
                                api::Protocol{"XEP-0237", "1.3"}};

class RosterModule final : public api::Module {
 public:
  base::Result<void> load(api::Registrar& registrar) override {
    slots_.cache = registrar.add_user_slot<RosterCache>();
    slots_.interested = registrar.add_session_slot<Interested>();
    registrar.add_iq<&RosterShard::asked>({.name = "query",
                                           .ns = xmpp::ns::kRoster,
                                           .accepts_get = true,
                                           .accepts_set = true,
                                           .for_host = false,
                                           .for_account = true});
    registrar.add_hook<&RosterShard::guard>(
        "foreign-roster",
        {.band = hooks::Band::security, .after = {}, .traffic = {hooks::Traffic::iq}});
    registrar.add_stream_feature<&RosterShard::advertise>(api::FeatureStage::session);
    registrar.add_account_observer<&RosterShard::account_changed>();
    return {};
  }
  std::unique_ptr<api::ShardModule> start_on_shard(api::Shard& shard) override {
    return std::make_unique<RosterShard>(shard, slots_);
  }

 private:
  Slots slots_;
};

constexpr api::ModuleInfo kInfo{
    .name = "roster",
    .description = "Contact lists with groups and subscriptions, versions and pushes.",
    .protocols = kProtocols,
    .create = &api::create_module<RosterModule>};

}  // namespace
}  // namespace rondel::modules::roster

RONDEL_MODULE(rondel::modules::roster::kInfo);
