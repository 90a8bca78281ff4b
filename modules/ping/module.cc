// The module ping: "are you there?", asked of the host or of one's own account (XEP-0199).
#include <array>

#include "modules/api/module_export.h"
#include "modules/api/registrar.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::ping {
namespace {

/// Answers pings; one to a full JID goes to its client, as every request does.
class Ping final : public api::ShardModule {
 public:
  explicit Ping(api::Shard&) {}
  static base::Result<void> load(api::Registrar& registrar) {
    registrar.add_iq<&Ping::answer>({.name = "ping", .ns = xmpp::ns::kPing, .for_account = true});
    return {};
  }

  api::IqReply answer(const api::IqRequest& request) {
    if (request.to().has_local() && !request.is_own_account()) {
      return xmpp::StanzaErrorCondition::service_unavailable;  // As if nobody had that address.
    }
    return request.make_result();
  }
};

constexpr std::array kProtocols{api::Protocol{"XEP-0199", "2.0.1"}};
constexpr api::ModuleInfo kInfo{.name = "ping",
                                .description = "Answers pings.",
                                .protocols = kProtocols,
                                .create = &api::create_module<api::ShardOnlyModule<Ping>>};

}  // namespace
}  // namespace rondel::modules::ping

RONDEL_MODULE(rondel::modules::ping::kInfo);
