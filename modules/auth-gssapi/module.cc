// The module auth-gssapi: Kerberos tickets.
#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <string>
#include <string_view>

#include "modules/api/module_export.h"
#include "modules/api/registrar.h"
#include "modules/auth-gssapi/gssapi_exchange.h"
#include "modules/auth-gssapi/keytab.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::auth_gssapi {
namespace {

using config::OnChange;
using config::OptionSpec;
using config::OptionType;
using config::Places;

constexpr std::string_view kName = "auth-gssapi";
constexpr std::string_view kMechanism = "GSSAPI";
constexpr std::string_view kDomainBasedName = "urn:xmpp:domain-based-name:1";
constexpr std::array<std::string_view, 3> kBindings{"tls-server-end-point", "tls-exporter", "off"};

std::string_view check_principal(std::string_view text) {
  const std::size_t slash = text.find('/');
  const bool is_principal = slash != text.npos && slash > 0 && slash + 1 < text.size() &&
                            text.find_first_of(std::string_view(" \\\0", 3)) == text.npos &&
                            text.back() != '@' && text[slash + 1] != '@';
  return is_principal ? std::string_view()
                      : "a service such as xmpp/chat.example.org or xmpp/example.org@EXAMPLE.ORG";
}

std::string_view check_hostname(std::string_view text) {
  const bool is_name = !text.empty() && text.front() != '.' && text.back() != '.' &&
                       std::ranges::all_of(text, [](unsigned char c) {
                         return std::isalnum(c) != 0 || c == '-' || c == '.';
                       });
  return is_name ? std::string_view() : "a fully-qualified name such as chat1.example.org";
}

constexpr std::array kOptions{
    OptionSpec{.name = "keytab",
               .type = OptionType::path,
               .on_change = OnChange::reload,
               .places = Places::all_and_hosts,
               .doc = "The file with the keys of the service, which only the server may read; a "
                      "host without one offers no GSSAPI."},
    OptionSpec{.name = "principal",
               .type = OptionType::text,
               .check = check_principal,
               .on_change = OnChange::reload,
               .places = Places::all_and_hosts,
               .doc = "The service that tickets must be for; else xmpp/HOST of any realm in the "
                      "keytab."},
    OptionSpec{.name = "hostname",
               .type = OptionType::text,
               .check = check_hostname,
               .on_change = OnChange::reload,
               .places = Places::all_and_hosts,
               .doc =
                   "This server's own name, told to clients under TLS (XEP-0233), which then ask "
                   "for tickets for xmpp/HOSTNAME/HOST: the keytab must have it; tickets for "
                   "the principal above are taken as well."},
    OptionSpec{.name = "realm",
               .type = OptionType::text,
               .on_change = OnChange::reload,
               .places = Places::all_and_hosts,
               .doc = "A realm whose principals name@REALM are the accounts with the local part "
                      "`name`, unless they are bound to others; else only bound ones are "
                      "anybody's."},
    OptionSpec{.name = "channel_binding",
               .type = OptionType::choice,
               .default_text = "tls-server-end-point",
               .choices = kBindings,
               .on_change = OnChange::reload,
               .places = Places::all_and_hosts,
               .doc = "What clients bind tickets to that do so under TLS; those that bind to "
                      "another channel are refused."}};

/// The hosts' services. `config` must live as long as its use.
Service service_of(const config::Options& options, const std::string& host) {
  const std::string& principal = options.text("principal");
  const std::string& hostname = options.text("hostname");
  Service service;
  service.keytab = options.path("keytab");
  service.principal = principal.empty() ? "xmpp/" + host : principal;
  if (!hostname.empty()) {
    service.domain_based = "xmpp/" + hostname + "/" + host;
    service.is_principal_needed = !principal.empty();
  }
  return service;
}

base::Result<void> check_keytabs_blocking(const config::Snapshot& config) {
  for (const config::HostOptions& host : config.hosts()) {
    const Service service = service_of(config.options(kName, host.name), host.name);
    if (!service.keytab.empty() && config.serves(kName, host.name)) {
      RONDEL_TRY_VOID(check_keytab_blocking(service));
    }
  }
  return {};
}

bool offers_gssapi(const xml::Element& mechanisms) {
  for (const xml::Element& each : mechanisms.children()) {
    if (each.name() == "mechanism" && each.text() == kMechanism) {
      return true;
    }
  }
  return false;
}

class ShardGssapi final : public api::ShardModule, public api::Authenticator {
 public:
  explicit ShardGssapi(api::Shard& shard) : shard_(shard) {}

  api::Authenticator& authenticator() { return *this; }

  /// Beside the mechanism, where TLS is up. Source: XEP-0233 §2, §7.
  void advertise(api::Connection& connection, xml::Document& features) {
    const bool is_encrypted =
        connection.layer() != nullptr && connection.layer()->info().is_encrypted;
    xml::Element* mechanisms = features.root().child("mechanisms", xmpp::ns::kSasl);
    if (!is_encrypted || mechanisms == nullptr || !offers_gssapi(*mechanisms)) {
      return;
    }
    const auto config = shard_.config();
    const std::string& hostname =
        config->options(kName, configured_name(connection.host())).text("hostname");
    if (!hostname.empty()) {
      xml::ElementBuilder(features.arena(), *mechanisms)
          .child("hostname", kDomainBasedName)
          .text(hostname);
    }
  }

  std::vector<std::string> mechanisms(const api::AuthChannel& channel) override {
    std::vector<std::string> offered;
    if (!shard_.config()->options(kName, configured_name(channel.host)).path("keytab").empty()) {
      offered.emplace_back(kMechanism);
    }
    return offered;
  }

  std::unique_ptr<api::AuthExchange> begin(std::string_view mechanism,
                                           const api::AuthChannel& channel) override {
    const auto config = shard_.config();
    const std::string host = configured_name(channel.host);
    const config::Options options = config->options(kName, host);
    const api::Host* served = shard_.find_host(channel.host);
    if (mechanism != kMechanism || served == nullptr || options.path("keytab").empty()) {
      return nullptr;
    }
    ExchangeParameters parameters;
    parameters.stores = served->stores;
    parameters.host = channel.host;
    parameters.service = service_of(options, host);
    parameters.realm = options.text("realm");
    parameters.replay_cache = config->server().data_dir + "/krb5.rcache2";
    const std::string& type = options.text("channel_binding");
    if (channel.layer != nullptr && type != "off") {
      if (const auto data = channel.layer->channel_binding(type)) {
        parameters.binding = type + ":" + *data;
      }
    }
    return std::make_unique<GssapiExchange>(shard_, troubles_, std::move(parameters));
  }

 private:
  /// The host as the configuration spells it.
  [[nodiscard]] std::string configured_name(std::string_view host) const {
    const api::Host* served = shard_.find_host(host);
    return served != nullptr && served->options != nullptr ? served->options->name
                                                           : std::string(host);
  }

  api::Shard& shard_;
  log::RateLimit troubles_{5, 60'000};
};

class GssapiModule final : public api::Module {
 public:
  base::Result<void> load(api::Registrar& registrar) override {
    registrar.add_authenticator<&ShardGssapi::authenticator>("gssapi");
    registrar.add_stream_feature<&ShardGssapi::advertise>(api::FeatureStage::authentication);
    return check_keytabs_blocking(registrar.config());
  }
  base::Result<void> prepare_reload(const config::Snapshot& next) override {
    return check_keytabs_blocking(next);
  }
  std::unique_ptr<api::ShardModule> start_on_shard(api::Shard& shard) override {
    return std::make_unique<ShardGssapi>(shard);
  }
};

constexpr std::array kProtocols{api::Protocol{"XEP-0233", "0.5"},
                                api::Protocol{"RFC 4752", "2006-11"},
                                api::Protocol{"RFC 4121", "2005-07"}};

constexpr api::ModuleInfo kInfo{.name = kName,
                                .description = "Kerberos: SASL GSSAPI with the keys of a keytab.",
                                .options = kOptions,
                                .protocols = kProtocols,
                                .create = &api::create_module<GssapiModule>};

}  // namespace
}  // namespace rondel::modules::auth_gssapi

RONDEL_MODULE(rondel::modules::auth_gssapi::kInfo);
