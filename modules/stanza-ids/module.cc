// The module stanza-ids: nobody but the server says what the server has numbered (XEP-0359).
#include <array>
#include <memory>
#include <string>

#include "base/random.h"
#include "modules/api/module_export.h"
#include "modules/api/registrar.h"
#include "modules/stanza-ids/strip.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::stanza_ids {
namespace {

using config::OptionSpec;
using config::OptionType;
using config::Places;
using hooks::Verdict;
namespace ns = xmpp::ns;

constexpr std::array kOptions{OptionSpec{
    .name = "assign",
    .type = OptionType::boolean,
    .places = Places::all_only,
    .doc = "Whether every message to an account gets an id by that account, and the account "
           "announces it."}};

/// Origin ids are the sender's own, and stay as they are.
class StanzaIds final : public api::ShardModule {
 public:
  StanzaIds(api::Shard& shard, bool assigns) : shard_(shard), assigns_(assigns) {}

  /// What a client sends: no id by a host of ours or by an account on one.
  Verdict received(api::AfterInterface& context) {
    xmpp::Stanza& stanza = context.stanza;
    if (has_stanza_ids(stanza.root())) {
      strip_stanza_ids(stanza.root(), [this](xmpp::JidView by) {
        return shard_.find_host(by.domain()) != nullptr;
      });
    }
    return Verdict::next();
  }

  /// What reaches an account, from wherever: no id by this account but ours.
  Verdict reaches(api::BeforeProcess& context) {
    xmpp::Stanza& stanza = context.stanza;
    if (context.user == nullptr || stanza.to().is_empty()) {
      return Verdict::next();
    }
    const xmpp::JidView account = context.user->jid();
    if (has_stanza_ids(stanza.root())) {
      strip_stanza_ids(stanza.root(), [account](xmpp::JidView by) { return by == account; });
    }
    if (assigns_ && stanza.message_type() != xmpp::MessageType::error) {
      xml::Element& id = stanza.root().append(stanza.arena(), "stanza-id", ns::kStanzaIds);
      id.set_attribute(stanza.arena(), "by", account.full());
      id.set_attribute(stanza.arena(), "id", base::random_token());
    }
    return Verdict::next();
  }

 private:
  api::Shard& shard_;
  const bool assigns_;
};

class StanzaIdsModule final : public api::Module {
 public:
  base::Result<void> load(api::Registrar& registrar) override {
    using enum hooks::Traffic;
    hooks::Order order{
        .band = hooks::Band::normalize, .after = {}, .traffic = {message, presence, broadcast}};
    assigns_ = registrar.config().options("stanza-ids").boolean("assign");
    registrar.add_hook<&StanzaIds::received>("strip forged stanza ids", order);
    order.traffic = {message};
    registrar.add_hook<&StanzaIds::reaches>(
        assigns_ ? "strip and assign stanza ids" : "strip forged stanza ids", order);
    if (assigns_) {
      registrar.add_disco_feature(std::string(ns::kStanzaIds), false, true);
    }
    return {};
  }
  std::unique_ptr<api::ShardModule> start_on_shard(api::Shard& shard) override {
    return std::make_unique<StanzaIds>(shard, assigns_);
  }

 private:
  bool assigns_ = false;
};

constexpr std::array kProtocols{api::Protocol{"XEP-0359", "0.7.0"}};
constexpr api::ModuleInfo kInfo{
    .name = "stanza-ids",
    .description = "Takes stanza ids out that claim to be the server's, and gives its own.",
    .options = kOptions,
    .protocols = kProtocols,
    .create = &api::create_module<StanzaIdsModule>};

}  // namespace
}  // namespace rondel::modules::stanza_ids

RONDEL_MODULE(rondel::modules::stanza_ids::kInfo);
