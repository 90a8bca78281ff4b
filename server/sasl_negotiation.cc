#include "server/sasl_negotiation.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/clock.h"
#include "base/encoding.h"
#include "server/connection.h"
#include "server/shard.h"
#include "xmpp/namespaces.h"

namespace rondel::server {
namespace {

/// Best first; a client takes the first one that it knows (XEP-0440 §3).
constexpr std::array<std::string_view, 2> kChannelBindings{"tls-exporter", "tls-server-end-point"};

struct Decoded {
  std::string data;
  bool is_present = false;
};

/// How long what a storage told of an account during an exchange holds for its end: a change by
/// others than this server, in a database that they share, counts from then on. What this server
/// changes counts at once, here or at the home shard.
constexpr std::uint64_t kAccountHoldsMs = 2000;

/// The payload of auth or response. Source: RFC 6120 §6.4.2: "=" is an empty one, nothing is none.
std::optional<Decoded> decode(const xml::Element& element) {
  const std::string text = element.text();
  if (text.empty()) {
    return Decoded{};
  }
  if (text == "=") {
    return Decoded{{}, true};
  }
  auto data = base::base64_decode(text);
  if (!data) {
    return std::nullopt;
  }
  return Decoded{std::move(*data), true};
}

/// Whether what the exchange itself learned of the account saves a question.
bool may_rely_on(const api::AuthIdentity& identity,
                 const xmpp::Jid& jid,
                 const Shard& shard,
                 std::uint64_t began_ms) {
  const auto& account = identity.account;
  return account && account->user.local == jid.local() && account->user.host == jid.domain() &&
         base::monotonic_ms() - began_ms <= kAccountHoldsMs &&
         !shard.has_account_changed_since(jid.bare(), began_ms);
}

/// What the core says to a proven identity: the account's JID, or a failure. What was proven relies
/// on the storage since `began_ms`.
base::Task<base::Result<Authenticated, xmpp::SaslFailure>> account_of(
    std::shared_ptr<api::AuthChannel> channel, api::AuthIdentity identity, std::uint64_t began_ms) {
  using Failed = base::Unexpected<xmpp::SaslFailure>;
  auto jid = xmpp::Jid::from_parts(identity.local, channel->host);
  if (!jid || !jid->has_local()) {
    co_return Failed(xmpp::SaslFailure::not_authorized);
  }
  if (!identity.authzid.empty()) {
    // Acting for somebody else is nobody's right here; equality is that of prepared addresses.
    auto authzid = xmpp::Jid::parse(identity.authzid);
    if (!authzid || !(*authzid == *jid)) {
      co_return Failed(xmpp::SaslFailure::invalid_authzid);
    }
  }
  Authenticated who{std::move(*jid), identity.is_temporary, std::move(identity.session_state),
                    identity.session_slot};
  if (who.is_temporary) {
    co_return std::move(who);
  }
  const api::Host* host = channel->shard.find_host(channel->host);
  if (host == nullptr || host->stores.users == nullptr) {
    co_return Failed(xmpp::SaslFailure::temporary_auth_failure);
  }
  const auto& shard = static_cast<const Shard&>(channel->shard);
  if (!may_rely_on(identity, who.jid, shard, began_ms)) {
    store::UserKey user{std::string(who.jid.local()), std::string(who.jid.domain())};
    auto account = co_await host->stores.users->lookup(std::move(user));
    if (!account) {
      co_return Failed(account.error().failure == store::Failure::not_found
                           ? xmpp::SaslFailure::not_authorized
                           : xmpp::SaslFailure::temporary_auth_failure);
    }
    identity.account = std::move(*account);
  }
  if (identity.account->state != store::AccountState::active) {
    co_return Failed(xmpp::SaslFailure::account_disabled);
  }
  co_return std::move(who);
}

/// A host may have turned the module off.
bool is_served(const Shard& shard, std::string_view authenticator, std::string_view host) {
  const auto& all = shard.registry().authenticators;
  const auto found = all.find(authenticator);
  return found != all.end() && shard.serves(found->second.module, host);
}

/// Runs one step and reports to the stream, if its connection still lives; everything it needs it
/// owns.
base::Task<> run_step(std::shared_ptr<api::AuthChannel> channel,
                      std::shared_ptr<api::AuthExchange> exchange,
                      base::ConnectionId id,
                      std::string mechanism,
                      std::uint64_t began_ms,
                      Decoded input) {
  api::AuthStep step = co_await exchange->step(std::move(input.data), input.is_present);
  base::Result<Authenticated, xmpp::SaslFailure> account =
      base::Unexpected<xmpp::SaslFailure>(xmpp::SaslFailure::not_authorized);
  std::string data;
  if (auto* identity = std::get_if<api::AuthIdentity>(&step)) {
    data = std::move(identity->data);
    account = co_await account_of(channel, std::move(*identity), began_ms);
  } else if (const auto* failure = std::get_if<xmpp::SaslFailure>(&step)) {
    account = base::Unexpected<xmpp::SaslFailure>(*failure);
  }
  Connection* connection = static_cast<Shard&>(channel->shard).connection(id);
  if (connection == nullptr || connection->is_closing()) {
    co_return;
  }
  if (const auto* challenge = std::get_if<api::AuthChallenge>(&step)) {
    connection->stream().authentication_challenged(challenge->data);
  } else if (account) {
    connection->stream().authentication_succeeded(std::move(*account), std::move(data), mechanism);
  } else {
    connection->stream().authentication_refused(account.error());
  }
  connection->resume();
}

}  // namespace

SaslNegotiation::SaslNegotiation(Connection& connection,
                                 const Interface& interface,
                                 std::string host)
    : connection_(connection),
      channel_(std::make_shared<api::AuthChannel>(api::AuthChannel{connection.shard(),
                                                                   std::move(host),
                                                                   interface.options.name,
                                                                   connection.layer(),
                                                                   {},
                                                                   {},
                                                                   connection.peer()})) {
  for (const std::string& name : interface.options.auth) {
    api::Authenticator* authenticator = connection.shard().authenticator(name);
    if (authenticator == nullptr || !is_served(connection.shard(), name, channel_->host)) {
      continue;
    }
    for (std::string& mechanism : authenticator->mechanisms(*channel_)) {
      const bool is_known = std::any_of(offers_.begin(), offers_.end(),
                                        [&](const auto& o) { return o.first == mechanism; });
      if (!is_known) {
        channel_->offered_mechanisms.push_back(mechanism);
        offers_.emplace_back(std::move(mechanism), authenticator);
      }
    }
  }
  for (const std::string_view type : kChannelBindings) {
    if (connection.layer() && connection.layer()->has_channel_binding(type)) {
      channel_->offered_channel_bindings.emplace_back(type);
    }
  }
}

// A step that is still under way must not look at the layer of a connection that has gone.
SaslNegotiation::~SaslNegotiation() {
  channel_->layer = nullptr;
}

void SaslNegotiation::received(const xml::Element& element) {
  if (element.name() == "auth") {
    begin(element);
  } else if (element.name() == "response") {
    if (exchange_) {
      step(element);
    } else {
      fail(xmpp::SaslFailure::malformed_request, "there is no challenge to respond to");
    }
  } else if (element.name() == "abort") {
    fail(xmpp::SaslFailure::aborted);
  } else {
    fail(xmpp::SaslFailure::malformed_request);
  }
}

void SaslNegotiation::begin(const xml::Element& element) {
  // RFC 6120 §6.4.2: who begins anew gives up what is under way. It counts as a try, so that no
  // client asks for challenges without end.
  if (exchange_) {
    exchange_.reset();
    if (!connection_.stream().count_failed_authentication()) {
      return;
    }
  }
  const std::string_view mechanism = element.attribute_or("mechanism", {});
  const auto offer = std::find_if(offers_.begin(), offers_.end(),
                                  [&](const auto& o) { return o.first == mechanism; });
  if (offer != offers_.end()) {
    exchange_ = offer->second->begin(mechanism, *channel_);
  }
  if (!exchange_) {
    fail(xmpp::SaslFailure::invalid_mechanism);
    return;
  }
  mechanism_ = mechanism;
  began_ms_ = base::monotonic_ms();
  step(element);
}

void SaslNegotiation::step(const xml::Element& element) {
  auto input = decode(element);
  if (!input) {
    fail(xmpp::SaslFailure::incorrect_encoding);
    return;
  }
  // A response that is there but empty is data of length zero (RFC 6120 §6.4.3).
  input->is_present = input->is_present || element.name() == "response";
  connection_.pause();
  run_step(channel_, exchange_, connection_.id(), mechanism_, began_ms_, std::move(*input)).start();
}

void SaslNegotiation::fail(xmpp::SaslFailure failure, std::string_view text) {
  connection_.stream().authentication_refused(failure, text);
}

}  // namespace rondel::server
