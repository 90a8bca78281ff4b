// The module auth-anonymous: SASL ANONYMOUS, and what its users may do.
#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "modules/api/module_export.h"
#include "modules/api/registrar.h"
#include "modules/auth-anonymous/guest.h"
#include "modules/auth-anonymous/options.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::auth_anonymous {
namespace {

using hooks::Verdict;
using xmpp::PresenceType;
using xmpp::StanzaErrorCondition;
namespace ns = xmpp::ns;

/// Source: RFC 4505 §2.
constexpr std::size_t kTraceBytesMax = 4 * 255;

bool is_about_subscription(const xmpp::Stanza& stanza) {
  if (!stanza.is_presence()) {
    return false;
  }
  switch (stanza.presence_type()) {
    case PresenceType::subscribe:
    case PresenceType::subscribed:
    case PresenceType::unsubscribe:
    case PresenceType::unsubscribed:
      return true;
    default:
      return false;
  }
}

/// One run of ANONYMOUS: nothing is proven, a name is made. What the client says to be traced by is
/// looked at by nobody. Source: RFC 4505; XEP-0175 §2.
class AnonymousExchange final : public api::AuthExchange {
 public:
  AnonymousExchange(std::shared_ptr<GuestBook> book,
                    const api::PeerAddress& peer,
                    std::uint32_t all_max,
                    std::uint32_t per_address_max,
                    std::uint8_t slot)
      : book_(std::move(book)),
        peer_(peer),
        all_max_(all_max),
        per_address_max_(per_address_max),
        slot_(slot) {}

  base::Task<api::AuthStep> step(std::string input, bool) override {
    if (input.size() > kTraceBytesMax) {
      co_return api::AuthStep(xmpp::SaslFailure::malformed_request);
    }
    if (!book_->try_enter(peer_, all_max_, per_address_max_)) {
      co_return api::AuthStep(xmpp::SaslFailure::temporary_auth_failure);
    }
    api::AuthIdentity identity;
    identity.session_state = std::make_unique<Guest>(book_, peer_);
    identity.session_slot = slot_;
    identity.local = make_guest_name();
    identity.is_temporary = true;
    co_return api::AuthStep(std::move(identity));
  }

 private:
  const std::shared_ptr<GuestBook> book_;
  const api::PeerAddress peer_;
  const std::uint32_t all_max_;
  const std::uint32_t per_address_max_;
  const std::uint8_t slot_;
};

class ShardAnonymous final : public api::ShardModule, public api::Authenticator {
 public:
  ShardAnonymous(api::Shard& shard, std::shared_ptr<GuestBook> book, api::SessionSlot<Guest> slot)
      : shard_(shard), book_(std::move(book)), slot_(slot) {}

  api::Authenticator& authenticator() { return *this; }

  std::vector<std::string> mechanisms(const api::AuthChannel&) override { return {"ANONYMOUS"}; }

  std::unique_ptr<api::AuthExchange> begin(std::string_view mechanism,
                                           const api::AuthChannel& channel) override {
    if (mechanism != "ANONYMOUS") {
      return nullptr;
    }
    const auto config = shard_.config();
    const config::Options options = config->options(kModuleName);
    return std::make_unique<AnonymousExchange>(
        book_, channel.peer, static_cast<std::uint32_t>(options.integer("sessions_max")),
        static_cast<std::uint32_t>(options.integer("sessions_per_address_max")), slot_.index);
  }

  void session_started(api::Session& session) {
    if (session.state(slot_) == nullptr) {
      return;
    }
    api::Connection* connection = shard_.find_connection(session.connection());
    const auto config = shard_.config();
    const auto* interface =
        connection != nullptr ? config->interface(connection->interface_name()) : nullptr;
    if (interface == nullptr) {
      return;
    }
    base::StanzaLimits limits = base::kClientLimits;
    limits.stanza_bytes_max =
        std::min(interface->stanza_bytes_max,
                 static_cast<std::uint32_t>(
                     options_of(*config, session.jid().domain()).integer("stanza_bytes_max")));
    connection->set_limits(limits);
  }
  void session_ended(api::Session&) {}

  /// What guests may send. Source: XEP-0175 §2.
  Verdict guard(api::AfterInterface& context) {
    Guest* guest = context.session.state(slot_);
    if (guest == nullptr) [[likely]] {
      return Verdict::next();
    }
    const xmpp::Stanza& stanza = context.stanza;
    const auto config = shard_.config();
    const config::Options options = options_of(*config, context.session.jid().domain());
    const auto per_minute = static_cast<std::uint32_t>(options.integer("stanzas_per_minute_max"));
    if (!guest->try_spend(base::monotonic_ms(), per_minute)) {
      context.connection.close(xmpp::StreamErrorCondition::policy_violation, "too many stanzas");
      return Verdict::handled();
    }
    if (is_about_subscription(stanza) || (stanza.is_iq() && stanza.iq_type() == xmpp::IqType::set &&
                                          stanza.payload("query", ns::kRoster) != nullptr)) {
      return Verdict::reject(StanzaErrorCondition::not_allowed);
    }
    return may_reach(stanza.to(), context.session.jid().domain(), options.text("reach"))
               ? Verdict::next()
               : Verdict::reject(StanzaErrorCondition::not_allowed);
  }

  /// Nobody can be a contact of somebody who is about to be gone: an answer at once, where
  /// otherwise the question would stay open for ever.
  Verdict decline(api::BeforeProcess& context) {
    const xmpp::Stanza& stanza = context.stanza;
    if (context.user == nullptr || !context.user->is_temporary() || !is_about_subscription(stanza))
        [[likely]] {
      return Verdict::next();
    }
    if (stanza.presence_type() == PresenceType::subscribe) {
      shard_.route(xmpp::make_presence(PresenceType::unsubscribed, stanza.to().bare_view(),
                                       stanza.from().bare_view()));
    }
    return Verdict::handled();
  }

 private:
  [[nodiscard]] config::Options options_of(const config::Snapshot& config,
                                           std::string_view host_name) const {
    const api::Host* host = shard_.find_host(host_name);
    return host != nullptr && host->options != nullptr
               ? config.options(kModuleName, host->options->name)
               : config.options(kModuleName);
  }

  [[nodiscard]] bool may_reach(xmpp::JidView target,
                               std::string_view own,
                               std::string_view reach) const {
    if (target.is_empty() || reach == "anywhere" || is_at_or_below(target.domain(), own)) {
      return true;
    }
    return reach == "server" &&
           std::any_of(shard_.hosts().begin(), shard_.hosts().end(), [&](const auto& host) {
             return is_at_or_below(target.domain(), host->name);
           });
  }

  api::Shard& shard_;
  const std::shared_ptr<GuestBook> book_;
  const api::SessionSlot<Guest> slot_;
};

class AnonymousModule final : public api::Module {
 public:
  base::Result<void> load(api::Registrar& registrar) override {
    slot_ = registrar.add_session_slot<Guest>();
    registrar.add_authenticator<&ShardAnonymous::authenticator>("anonymous", false);
    registrar
        .add_session_observer<&ShardAnonymous::session_started, &ShardAnonymous::session_ended>();
    registrar.add_hook<&ShardAnonymous::guard>(
        "what guests may send", {.band = hooks::Band::security, .after = {}, .traffic = {}});
    registrar.add_hook<&ShardAnonymous::decline>(
        "guests have no contacts",
        {.band = hooks::Band::security, .after = {}, .traffic = {hooks::Traffic::presence}});
    return {};
  }
  std::unique_ptr<api::ShardModule> start_on_shard(api::Shard& shard) override {
    return std::make_unique<ShardAnonymous>(shard, book_, slot_);
  }

 private:
  const std::shared_ptr<GuestBook> book_ = std::make_shared<GuestBook>();
  api::SessionSlot<Guest> slot_;
};

constexpr std::array kProtocols{api::Protocol{"RFC 4505", "2006-06"},
                                api::Protocol{"XEP-0175", "1.2"}};

constexpr api::ModuleInfo kInfo{
    .name = kModuleName,
    .description = "Guests: SASL ANONYMOUS, with addresses that are thrown away.",
    .options = kOptions,
    .protocols = kProtocols,
    .create = &api::create_module<AnonymousModule>};

}  // namespace
}  // namespace rondel::modules::auth_anonymous

RONDEL_MODULE(rondel::modules::auth_anonymous::kInfo);
