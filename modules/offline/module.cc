// The module offline: messages for those who are away (XEP-0160).
#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "base/limits.h"
#include "modules/api/module_export.h"
#include "modules/offline/offline.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::offline {
namespace {

using config::OptionSpec;
using config::OptionType;
using config::Places;

constexpr std::array kOptions{
    OptionSpec{.name = "messages_max",
               .type = OptionType::integer,
               .default_integer = base::kOfflineMessagesMax,
               .minimum = 0,
               .maximum = 1'000'000,
               .unit = "messages",
               .on_change = config::OnChange::reload,
               .places = Places::all_and_hosts,
               .doc = "How many messages wait for one account; the sender of one more is told "
                      "service-unavailable."},
    OptionSpec{.name = "bytes_max",
               .type = OptionType::byte_size,
               .default_integer = base::kOfflineBytesMax,
               .minimum = 0,
               .maximum = std::int64_t{1} << 40,
               .on_change = config::OnChange::reload,
               .places = Places::all_and_hosts,
               .doc = "How large they may be together, as they are stored; the sender of one that "
                      "does not fit is told service-unavailable."}};

class OfflineModule final : public api::Module {
 public:
  base::Result<void> load(api::Registrar& registrar) override {
    slot_ = registrar.add_session_slot<SessionState>();
    registrar.set_message_fallback<&Offline::store_message>();
    registrar.add_hook<&Offline::before_process>(
        "new messages wait for old ones",
        {.band = hooks::Band::observe,
         .after = {},
         .traffic = {hooks::Traffic::message, hooks::Traffic::broadcast}});
    registrar.add_hook<&Offline::after_process>("a session opened",
                                                {.traffic = {hooks::Traffic::broadcast}});
    registrar.add_session_observer<&Offline::session_started, &Offline::session_ended>();
    registrar.add_disco_feature(std::string(xmpp::ns::kOffline), true, false);
    return {};
  }
  std::unique_ptr<api::ShardModule> start_on_shard(api::Shard& shard) override {
    return std::make_unique<Offline>(shard, slot_);
  }

 private:
  api::SessionSlot<SessionState> slot_;
};

constexpr std::array kProtocols{api::Protocol{"XEP-0160", "1.0.1"},
                                api::Protocol{"XEP-0203", "2.0"},
                                api::Protocol{"XEP-0334", "1.0.0"}};
constexpr api::ModuleInfo kInfo{.name = "offline",
                                .description = "Keeps messages for those who are away.",
                                .options = kOptions,
                                .protocols = kProtocols,
                                .create = &api::create_module<OfflineModule>};

}  // namespace
}  // namespace rondel::modules::offline

RONDEL_MODULE(rondel::modules::offline::kInfo);
