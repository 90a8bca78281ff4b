// The module layer-tls: STARTTLS and direct TLS.
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "modules/api/certificate_service.h"
#include "modules/api/module_export.h"
#include "modules/api/registrar.h"
#include "modules/layer-tls/context_source.h"
#include "modules/layer-tls/options.h"
#include "modules/layer-tls/tls_layer.h"
#include "tls/client_certificate.h"
#include "tls/kernel_support.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::layer_tls {
namespace {

using xmpp::StreamErrorCondition;
namespace ns = xmpp::ns;

constexpr std::uint64_t kDayMs = 24ULL * 3600 * 1000;

class ShardTls final : public api::ShardModule, public api::CertificateService {
 public:
  ShardTls(api::Shard& shard, const ContextSource& source)
      : shard_(shard),
        source_(source),
        started_with_(shard.config()),
        contexts_(source.first()),
        daily_(*this) {
    shard.provide<api::CertificateService>(*this);
  }

  void started() override {
    if (shard_.index() == 0) {
      warn_of_everything();
      report_records();
      shard_.timers().set(daily_, kDayMs);
    }
  }

  void reloaded() override {
    const auto config = shard_.config();
    HostContextsPointer fresh = source_.prepared_from(*config);
    // None: TLS was taken out of the configuration, which needs a restart; until then it goes on.
    if (fresh != nullptr) {
      contexts_ = std::move(fresh);
    }
    if (shard_.index() == 0) {
      warn_of_everything();
    }
  }

  void advertise(api::Connection& connection, xml::Document& features) {
    if (!is_offered(connection)) {
      return;
    }
    xml::ElementBuilder builder(features);
    builder.child("starttls", ns::kTls);
    if (mode_of(connection) == config::TlsMode::required) {
      builder.child("required");
    }
  }

  void element(api::Connection& connection, const xml::Element& element) {
    if (element.name() != "starttls") {
      refuse(connection, StreamErrorCondition::unsupported_stanza_type,
             "not an element of STARTTLS");
    } else if (!is_offered(connection)) {
      refuse(connection, StreamErrorCondition::policy_violation, "STARTTLS was not offered");
    } else if (connection.has_unread_bytes()) {
      connection.close(StreamErrorCondition::policy_violation, "bytes behind the request for TLS");
    } else if (auto layer = make_layer(connection, false)) {
      const xml::Document proceed = xml::Document::create("proceed", ns::kTls);
      connection.send_element(proceed.root());
      connection.install_layer(std::move(layer));
    } else {
      refuse(connection, StreamErrorCondition::internal_server_error, {});
    }
  }

  /// TLS from the first byte. Source: XEP-0368.
  void install(api::Connection& connection) {
    if (connection.layer() != nullptr) {
      return;  // Direct TLS, and named among the extensions as well.
    }
    if (auto layer = make_layer(connection, true)) {
      connection.install_layer(std::move(layer));
    } else {
      connection.close(StreamErrorCondition::internal_server_error, {});
    }
  }

  std::vector<api::CertificateFacts> certificates() const override {
    std::vector<api::CertificateFacts> result;
    const auto now = base::wall_clock_now();
    for (std::size_t i = 0; contexts_ && i < contexts_->hosts.size(); ++i) {
      const tls::CertificateInfo& info = contexts_->contexts->certificates()[i];
      api::CertificateFacts facts;
      facts.host = contexts_->hosts[i];
      facts.path = info.path;
      facts.subject = info.subject;
      facts.issuer = info.issuer;
      facts.names = info.names;
      facts.key_type = info.key_type;
      facts.fingerprint = info.fingerprint;
      facts.valid_from = info.valid_from;
      facts.valid_until = info.valid_until;
      facts.days_left = info.days_left(now);
      facts.is_self_signed = info.is_self_signed;
      result.push_back(std::move(facts));
    }
    return result;
  }

  std::optional<api::ClientCertificate> read_certificate(std::string_view der) const override {
    const auto read = tls::read_client_certificate(der);
    return read ? std::optional(to_api(*read)) : std::nullopt;
  }

 private:
  class DailyTimer final : public base::Timer {
   public:
    explicit DailyTimer(ShardTls& owner) : owner_(owner) {}

   private:
    void expired() override {
      owner_.warn_of_expiry();
      owner_.shard_.timers().set(*this, kDayMs);
    }
    ShardTls& owner_;
  };

  /// What the interface was started with: a change of it takes a restart.
  [[nodiscard]] config::TlsMode mode_of(const api::Connection& connection) const {
    const auto* interface = started_with_->interface(connection.interface_name());
    return interface != nullptr ? interface->tls : config::TlsMode::off;
  }

  [[nodiscard]] bool is_offered(const api::Connection& connection) const {
    const config::TlsMode mode = mode_of(connection);
    return contexts_ != nullptr && connection.layer() == nullptr &&
           (mode == config::TlsMode::required || mode == config::TlsMode::optional);
  }

  /// Until a shared address has chosen its interface, what holds for all.
  [[nodiscard]] tls::Records records_of(const api::Connection& connection) const {
    const auto* interface = started_with_->interface(connection.interface_name());
    switch (interface != nullptr ? interface->records : started_with_->tls().records) {
      case config::TlsRecords::kernel:
        return tls::Records::kernel;
      case config::TlsRecords::compact:
        return tls::Records::compact;
      case config::TlsRecords::retained:
        return tls::Records::retained;
      case config::TlsRecords::automatic:
        break;
    }
    return tls::Records::automatic;
  }

  [[nodiscard]] std::unique_ptr<api::Layer> make_layer(const api::Connection& connection,
                                                       bool is_direct) const {
    if (contexts_ == nullptr) {
      return nullptr;
    }
    tls::AcceptOptions options;
    options.is_direct = is_direct;
    options.records = records_of(connection);
    options.host = connection.host();
    const auto trust = contexts_->client_trusts.find(connection.interface_name());
    if (trust != contexts_->client_trusts.end()) {
      options.client_trust = trust->second;
    }
    auto channel = tls::accept_channel(contexts_->contexts, options);
    if (!channel) {
      RONDEL_LOG_ERROR(shard_.log(), "tls.failed", "{}", channel.error().message);
      return nullptr;
    }
    return std::make_unique<TlsLayer>(std::move(*channel));
  }

  /// Source: RFC 6120 §5.4.2.2: failure, then the end of stream and connection.
  static void refuse(api::Connection& connection,
                     StreamErrorCondition condition,
                     std::string_view text) {
    const xml::Document failure = xml::Document::create("failure", ns::kTls);
    connection.send_element(failure.root());
    connection.close(condition, text);
  }

  void warn_of_everything() const {
    if (contexts_ != nullptr) {
      for (const std::string& warning : contexts_->contexts->warnings()) {
        RONDEL_LOG_ERROR(shard_.log(), "tls.warning", "{}", warning);
      }
      warn_of_client_trust();
    }
  }

  void warn_of_client_trust() const {
    for (const auto& [interface, trust] : contexts_->client_trusts) {
      for (const std::string& notice :
           trust->notices(base::wall_clock_now(), contexts_->expiry_warning_days)) {
        RONDEL_LOG_ERROR(shard_.log(), "tls.warning", "interface '{}': {}", interface, notice);
      }
    }
  }

  void warn_of_expiry() const {
    if (contexts_ == nullptr) {
      return;
    }
    for (const tls::CertificateInfo& info : contexts_->contexts->certificates()) {
      const std::string notice =
          info.expiry_notice(base::wall_clock_now(), contexts_->expiry_warning_days);
      if (!notice.empty()) {
        RONDEL_LOG_ERROR(shard_.log(), "tls.warning", "{}", notice);
      }
    }
    for (const std::string& notice : contexts_->contexts->ocsp_notices(base::wall_clock_now())) {
      RONDEL_LOG_ERROR(shard_.log(), "tls.warning", "{}", notice);
    }
    warn_of_client_trust();
  }

  void report_records() const {
    RONDEL_LOG_INFO(shard_.log(), "tls.records", "{}", tls::kernel_support().description);
  }

  api::Shard& shard_;
  const ContextSource& source_;
  const std::shared_ptr<const config::Snapshot> started_with_;
  HostContextsPointer contexts_;
  DailyTimer daily_;
};

class TlsModule final : public api::Module {
 public:
  base::Result<void> load(api::Registrar& registrar) override {
    RONDEL_TRY_VOID(source_.start(registrar.config()));
    registrar.add_stream_feature<&ShardTls::advertise, &ShardTls::element>(
        api::FeatureStage::encryption, std::string(ns::kTls));
    registrar.set_extension<&ShardTls::install>();
    return {};
  }
  std::unique_ptr<api::ShardModule> start_on_shard(api::Shard& shard) override {
    return std::make_unique<ShardTls>(shard, source_);
  }
  base::Result<void> prepare_reload(const config::Snapshot& next) override {
    return source_.prepare(next);
  }

 private:
  ContextSource source_;
};

constexpr std::array kProtocols{api::Protocol{"RFC 6120 §5", "2011-03"},
                                api::Protocol{"XEP-0368", "1.1.0"}};

constexpr api::ModuleInfo kInfo{
    .name = kModuleName,
    .description = "Encrypts connections: STARTTLS and direct TLS, by OpenSSL.",
    .options = kOptions,
    .protocols = kProtocols,
    .create = &api::create_module<TlsModule>};

}  // namespace
}  // namespace rondel::modules::layer_tls

RONDEL_MODULE(rondel::modules::layer_tls::kInfo);
