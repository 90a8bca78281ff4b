// The module auth-external: SASL EXTERNAL by client certificates, and their management.
#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "modules/api/module_export.h"
#include "modules/api/registrar.h"
#include "modules/auth-external/certificate_manager.h"
#include "modules/auth-external/external_exchange.h"
#include "modules/auth-external/options.h"
#include "modules/auth-external/settings.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::auth_external {
namespace {

class ShardExternal final : public api::ShardModule, public api::Authenticator {
 public:
  ShardExternal(api::Shard& shard, api::SessionSlot<CertificateLogin> slot)
      : shard_(shard), slot_(slot), manager_(shard, slot) {}

  api::Authenticator& authenticator() { return *this; }

  std::vector<std::string> mechanisms(const api::AuthChannel& channel) override {
    const auto certificate = usable(channel);
    const api::Host* host = shard_.find_host(channel.host);
    if (!certificate || host == nullptr || host->stores.users == nullptr) {
      return {};
    }
    return {"EXTERNAL"};
  }

  std::unique_ptr<api::AuthExchange> begin(std::string_view mechanism,
                                           const api::AuthChannel& channel) override {
    auto certificate = usable(channel);
    const api::Host* host = shard_.find_host(channel.host);
    if (mechanism != "EXTERNAL" || !certificate || host == nullptr) {
      return nullptr;
    }
    return std::make_unique<ExternalExchange>(host->stores, channel.host, std::move(*certificate),
                                              settings(channel), slot_.index);
  }

  base::Task<api::IqReply> manage(api::IqRequest request) {
    return manager_.answer(std::move(request));
  }

  void session_started(api::Session& session) {
    if (CertificateLogin* login = session.state(slot_)) {
      login->watch(shard_, session.connection());
    }
  }
  void session_ended(api::Session&) {}

  /// XEP-0257 §5.2: who stole a certificate must not get hold of the account for good.
  hooks::Verdict guard_password(api::AfterInterface& context) {
    if (!context.stanza.is_iq() || context.session.state(slot_) == nullptr) [[likely]] {
      return hooks::Verdict::next();
    }
    const xml::Element* query = context.stanza.payload("query", xmpp::ns::kRegister);
    return query != nullptr && query->child("password") != nullptr &&
                   context.stanza.iq_type() == xmpp::IqType::set
               ? hooks::Verdict::reject(xmpp::StanzaErrorCondition::not_authorized)
               : hooks::Verdict::next();
  }

 private:
  [[nodiscard]] Settings settings(const api::AuthChannel& channel) const {
    const api::Host* host = shard_.find_host(channel.host);
    const auto config = shard_.config();
    return settings_of(config->options(
        kModuleName,
        host != nullptr && host->options != nullptr ? host->options->name : channel.host,
        channel.interface_name));
  }

  /// The certificate of this channel, if it may open anything here.
  [[nodiscard]] std::optional<api::ClientCertificate> usable(
      const api::AuthChannel& channel) const {
    if (channel.layer == nullptr) {
      return std::nullopt;
    }
    auto certificate = channel.layer->client_certificate();
    if (certificate && !may_authenticate(*certificate, settings(channel))) {
      RONDEL_LOG_INFO_WITH(shard_.log(), (log::Fields{.remote_address = channel.peer.text()}),
                           "auth.certificate", "EXTERNAL is not offered: {} fingerprint={}",
                           certificate->reason, certificate->fingerprint);
      return std::nullopt;
    }
    return certificate;
  }

  api::Shard& shard_;
  const api::SessionSlot<CertificateLogin> slot_;
  CertificateManager manager_;
};

class ExternalModule final : public api::Module {
 public:
  base::Result<void> load(api::Registrar& registrar) override {
    slot_ = registrar.add_session_slot<CertificateLogin>();
    registrar.add_authenticator<&ShardExternal::authenticator>("external");
    registrar
        .add_session_observer<&ShardExternal::session_started, &ShardExternal::session_ended>();
    registrar.add_hook<&ShardExternal::guard_password>(
        "no password by certificate",
        {.band = hooks::Band::security, .after = {}, .traffic = {hooks::Traffic::iq}});
    for (const std::string_view name : {"append", "disable", "revoke"}) {
      registrar.add_iq<&ShardExternal::manage>({.name = name,
                                                .ns = kSaslCertNamespace,
                                                .accepts_get = false,
                                                .accepts_set = true,
                                                .for_host = false,
                                                .for_account = true,
                                                .is_feature = false});
    }
    registrar.add_iq<&ShardExternal::manage>({.name = "items",
                                              .ns = kSaslCertNamespace,
                                              .for_host = false,
                                              .for_account = true,
                                              .is_feature = false});
    registrar.add_disco_feature(std::string(kSaslCertNamespace), true, false);
    return {};
  }
  std::unique_ptr<api::ShardModule> start_on_shard(api::Shard& shard) override {
    return std::make_unique<ShardExternal>(shard, slot_);
  }

 private:
  api::SessionSlot<CertificateLogin> slot_;
};

constexpr std::array kProtocols{api::Protocol{"RFC 4422 A", "2006-06"},
                                api::Protocol{"XEP-0178", "1.2"}, api::Protocol{"XEP-0257", "0.3"}};

constexpr std::array<std::string_view, 1> kDependsOn{"layer-tls"};

constexpr api::ModuleInfo kInfo{
    .name = kModuleName,
    .description = "Client certificates: SASL EXTERNAL, and users' management of their own.",
    .depends_on = kDependsOn,
    .options = kOptions,
    .protocols = kProtocols,
    .create = &api::create_module<ExternalModule>};

}  // namespace
}  // namespace rondel::modules::auth_external

RONDEL_MODULE(rondel::modules::auth_external::kInfo);
