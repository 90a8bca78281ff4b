// The module disco: what this host and its accounts are, can do, and hold (XEP-0030).
#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "modules/api/module_export.h"
#include "modules/api/registrar.h"
#include "modules/api/roster_service.h"
#include "modules/disco/caps.h"
#include "modules/disco/info.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::disco {
namespace {

using config::OptionSpec;
using config::OptionType;
using config::Places;
using xmpp::StanzaErrorCondition;
namespace ns = xmpp::ns;

/// Names this software in entity capabilities (XEP-0115 §4).
constexpr std::string_view kCapsNode = "urn:rondel:server";

constexpr std::array kOptions{
    OptionSpec{.name = "name",
               .type = OptionType::text,
               .default_text = "Rondel",
               .on_change = config::OnChange::reload,
               .places = Places::all_and_hosts,
               .doc = "What people are shown as the server's name."},
    OptionSpec{.name = "items",
               .type = OptionType::text_list,
               .check = &check_item,
               .on_change = config::OnChange::reload,
               .places = Places::all_and_hosts,
               .doc = "Services that belong to the host: an address each, then a name if wanted."}};

bool sees_presence(const store::Roster& roster, std::string_view contact) {
  const auto item = std::lower_bound(roster.items.begin(), roster.items.end(), contact,
                                     [](const auto& a, std::string_view b) { return a.jid < b; });
  return item != roster.items.end() && item->jid == contact &&
         (item->subscription == store::Subscription::from ||
          item->subscription == store::Subscription::both);
}

/// Everything that an answer to disco#info holds.
struct Description {
  api::DiscoInfo info;
  std::vector<xmpp::DataForm> forms;
};

xml::Document info_result(const api::IqRequest& request,
                          const Description& description,
                          std::string_view node) {
  xml::Document result = request.make_result();
  xml::ElementBuilder query(result);
  query.child("query", ns::kDiscoInfo);
  if (!node.empty()) {
    query.attribute("node", node);
  }
  for (const api::DiscoIdentity& identity : description.info.identities) {
    query.child("identity")
        .attribute("category", identity.category)
        .attribute("type", identity.type);
    if (!identity.name.empty()) {
      query.attribute("name", identity.name);
    }
    query.up();
  }
  for (const std::string& feature : description.info.features) {
    query.child("feature").attribute("var", feature).up();
  }
  for (const xmpp::DataForm& form : description.forms) {
    form.append_to(result.arena(), query.element());
  }
  return result;
}

/// Answers for the host and for accounts; a request to a full JID goes to its client.
class Disco final : public api::ShardModule {
 public:
  explicit Disco(api::Shard& shard) : shard_(shard) {}
  static base::Result<void> load(api::Registrar& registrar) {
    registrar.add_iq<&Disco::info>({.name = "query", .ns = ns::kDiscoInfo, .for_account = true});
    registrar.add_iq<&Disco::items>({.name = "query", .ns = ns::kDiscoItems, .for_account = true});
    registrar.add_disco_feature(std::string(ns::kCaps), true, false);
    registrar.add_disco_identity({"account", "registered", ""}, false, true);
    registrar.add_stream_feature<&Disco::advertise>(api::FeatureStage::session);
    return {};
  }
  void reloaded() override { caps_.clear(); }

  base::Task<api::IqReply> info(api::IqRequest request) {
    const std::string node(request.payload().attribute_or("node", ""));
    const bool is_account = request.to().has_local();
    if (is_account) {
      std::string account(request.to().bare());
      std::string asker(request.from().bare());
      if (!co_await may_ask(std::move(account), std::move(asker))) {
        co_return StanzaErrorCondition::service_unavailable;
      }
    }
    const api::Host* host = shard_.find_host(request.host());
    if (host == nullptr) {
      co_return StanzaErrorCondition::item_not_found;
    }
    Description description =
        is_account ? Description{shard_.disco_info(*host, true), {}} : describe(*host);
    if (is_account) {
      name_guest(request.to().bare(), description.info);
    }
    if (!node.empty() && (is_account || node != caps_node(*host))) {
      co_return StanzaErrorCondition::item_not_found;
    }
    co_return info_result(request, description, node);
  }

  base::Task<api::IqReply> items(api::IqRequest request) {
    const bool is_account = request.to().has_local();
    if (is_account) {
      std::string account(request.to().bare());
      std::string asker(request.from().bare());
      if (!co_await may_ask(std::move(account), std::move(asker))) {
        co_return StanzaErrorCondition::service_unavailable;
      }
    }
    if (!request.payload().attribute_or("node", "").empty()) {
      co_return StanzaErrorCondition::item_not_found;
    }
    xml::Document result = request.make_result();
    xml::ElementBuilder query(result);
    query.child("query", ns::kDiscoItems);
    if (is_account) {
      add_resources(query, request.to().bare());
    } else {
      add_items(query, request.host());
    }
    co_return result;
  }

  /// Entity capabilities of the server itself. Source: XEP-0115 §6.3.
  void advertise(api::Connection& connection, xml::Document& features) {
    if (const api::Host* host = shard_.find_host(connection.host())) {
      xml::ElementBuilder(features)
          .child("c", ns::kCaps)
          .attribute("hash", "sha-1")
          .attribute("node", kCapsNode)
          .attribute("ver", caps(*host));
    }
  }

 private:
  /// Source: XEP-0030 §8: the account itself, and who may see its presence.
  base::Task<bool> may_ask(std::string account, std::string asker) {
    if (account == asker) {
      co_return true;
    }
    auto* rosters = shard_.service<api::RosterService>();
    api::User* user = shard_.find_user(account);
    if (rosters == nullptr || user == nullptr) {
      co_return false;
    }
    const auto roster = co_await rosters->load(*user);
    co_return roster&& sees_presence(**roster, asker);
  }

  /// Source: XEP-0175 §4.
  void name_guest(std::string_view account, api::DiscoInfo& info) {
    const api::User* user = shard_.find_user(account);
    for (api::DiscoIdentity& identity : info.identities) {
      if (user != nullptr && user->is_temporary() && identity.category == "account") {
        identity.type = "anonymous";
      }
    }
  }

  Description describe(const api::Host& host) const {
    Description description{shard_.disco_info(host, false), contact_forms(host.options->contact)};
    const auto snapshot = shard_.config();
    auto& identities = description.info.identities;
    identities.insert(
        identities.begin(),
        {"server", "im", snapshot->options("disco", host.options->name).text("name")});
    return description;
  }

  const std::string& caps(const api::Host& host) {
    std::string& version = caps_[host.name];
    if (version.empty()) {
      Description description = describe(host);
      version = caps_version(std::move(description.info), std::move(description.forms));
    }
    return version;
  }
  std::string caps_node(const api::Host& host) { return std::string(kCapsNode) + "#" + caps(host); }

  void add_resources(xml::ElementBuilder& query, std::string_view account) {
    if (const api::User* user = shard_.find_user(account)) {
      for (const auto& session : user->sessions()) {
        if (session->is_available()) {
          query.child("item").attribute("jid", session->jid().full()).up();
        }
      }
    }
  }

  void add_items(xml::ElementBuilder& query, std::string_view host_name) {
    const api::Host* host = shard_.find_host(host_name);
    const auto snapshot = shard_.config();
    for (const std::string& text :
         snapshot->options("disco", host ? host->options->name : std::string()).texts("items")) {
      if (const auto item = parse_item(text)) {
        query.child("item").attribute("jid", item->jid);
        if (!item->name.empty()) {
          query.attribute("name", item->name);
        }
        query.up();
      }
    }
  }

  api::Shard& shard_;
  std::map<std::string, std::string, std::less<>> caps_;  ///< By host; made when first wanted.
};

constexpr std::array kProtocols{
    api::Protocol{"XEP-0030", "2.5.0"}, api::Protocol{"XEP-0115", "1.6.0"},
    api::Protocol{"XEP-0128", "1.0.1"}, api::Protocol{"XEP-0157", "1.1.1"}};
constexpr api::ModuleInfo kInfo{
    .name = "disco",
    .description = "Tells what the host and its accounts are, can do and hold.",
    .options = kOptions,
    .protocols = kProtocols,
    .create = &api::create_module<api::ShardOnlyModule<Disco>>};

}  // namespace
}  // namespace rondel::modules::disco

RONDEL_MODULE(rondel::modules::disco::kInfo);
