// The module acl: refuses connections by address.
#include <array>
#include <memory>

#include "modules/acl/address_set.h"
#include "modules/api/module_export.h"
#include "modules/api/registrar.h"

namespace rondel::modules::acl {
namespace {

using config::OptionSpec;
using config::OptionType;

std::string_view check_range(std::string_view text) {
  return parse_address_range(text)
             ? std::string_view()
             : "an address or a range such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32, without bits "
               "behind the prefix";
}

constexpr std::array kOptions{OptionSpec{.name = "allow",
                                         .type = OptionType::text_list,
                                         .check = &check_range,
                                         .on_change = config::OnChange::reload,
                                         .places = config::Places::all_only,
                                         .doc = "Who may connect; empty: everybody."},
                              OptionSpec{.name = "deny",
                                         .type = OptionType::text_list,
                                         .check = &check_range,
                                         .on_change = config::OnChange::reload,
                                         .places = config::Places::all_only,
                                         .doc = "Who may not connect, even if allowed."}};

class Acl final : public api::ShardModule {
 public:
  explicit Acl(api::Shard& shard) : shard_(shard) { read(); }

  static base::Result<void> load(api::Registrar& registrar) {
    hooks::Order order;
    order.band = hooks::Band::security;
    registrar.add_hook<&Acl::check>("acl", std::move(order));
    return {};
  }

  void reloaded() override { read(); }

  hooks::Verdict check(api::BeforeAccept& context) {
    const api::PeerAddress& peer = context.peer;
    if (peer.is_local_socket ||
        (!deny_.contains(peer.bytes) && (allow_.is_empty() || allow_.contains(peer.bytes)))) {
      return hooks::Verdict::next();
    }
    RONDEL_LOG_INFO_WITH(shard_.log(), (log::Fields{.remote_address = peer.text()}), "acl.refused",
                         "listener={}", context.listener);
    return hooks::Verdict::reject(xmpp::StanzaErrorCondition::forbidden);
  }

 private:
  void read() {
    const auto config = shard_.config();
    const config::Options options = config->options("acl");
    allow_ = AddressSet(options.texts("allow"));
    deny_ = AddressSet(options.texts("deny"));
  }

  api::Shard& shard_;
  AddressSet allow_;
  AddressSet deny_;
};

constexpr api::ModuleInfo kInfo{.name = "acl",
                                .description = "Allows and denies connections by address range.",
                                .options = kOptions,
                                .create = &api::create_module<api::ShardOnlyModule<Acl>>};

}  // namespace
}  // namespace rondel::modules::acl

RONDEL_MODULE(rondel::modules::acl::kInfo);
