// The module presence: who is there, and who may know it.
#include <array>
#include <memory>

#include "modules/api/module_export.h"
#include "modules/presence/presence_module.h"

namespace rondel::modules::presence {
namespace {

constexpr std::array kProtocols{api::Protocol{"RFC 6121 §3", "2011"},
                                api::Protocol{"RFC 6121 §4", "2011"},
                                api::Protocol{"XEP-0203", "2.0"}};
constexpr std::array<std::string_view, 1> kDependsOn{"roster"};

class PresenceModule final : public api::Module {
 public:
  base::Result<void> load(api::Registrar& registrar) override {
    slot_ = registrar.add_session_slot<PresenceSession>();
    registrar.set_presence_handler<&PresenceShard::outbound, &PresenceShard::inbound>();
    registrar
        .add_session_observer<&PresenceShard::session_started, &PresenceShard::session_ended>();
    registrar.add_stream_feature<&PresenceShard::advertise>(api::FeatureStage::session);
    return {};
  }
  std::unique_ptr<api::ShardModule> start_on_shard(api::Shard& shard) override {
    return std::make_unique<PresenceShard>(shard, slot_);
  }

 private:
  api::SessionSlot<PresenceSession> slot_;
};

constexpr api::ModuleInfo kInfo{
    .name = "presence",
    .description = "Presence: broadcasts, probes, directed presence, subscriptions.",
    .depends_on = kDependsOn,
    .protocols = kProtocols,
    .create = &api::create_module<PresenceModule>};

}  // namespace
}  // namespace rondel::modules::presence

RONDEL_MODULE(rondel::modules::presence::kInfo);
