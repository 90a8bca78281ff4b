#include "server/stream.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/prefetch.h"
#include "base/random.h"
#include "server/connection.h"
#include "server/negotiation.h"
#include "server/shard.h"
#include "xml/writer.h"
#include "xmpp/namespaces.h"
#include "xmpp/stanza.h"

namespace rondel::server {
namespace {

using xmpp::StanzaErrorCondition;
using xmpp::StreamErrorCondition;
namespace ns = xmpp::ns;

constexpr std::string_view kOurLanguage = "en";

/// RFC 6120 §4.7.5: absent means 0.9, which has no features; a higher one is spoken to as 1.0.
bool is_version_supported(std::string_view version) {
  const auto is_number = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  const std::size_t dot = std::min(version.find('.'), version.size());
  const std::string_view major = version.substr(0, dot);
  return is_number(major) && dot < version.size() && is_number(version.substr(dot + 1)) &&
         major.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

Stream::Stream(Connection& connection)
    : connection_(connection), negotiation_(std::make_unique<Negotiation>()) {
}
Stream::~Stream() = default;

const log::Channel& Stream::log() const {
  return interface_ ? *interface_->log : connection_.shard().log();
}

xmpp::JidView Stream::jid() const {
  return session_ ? session_->jid() : negotiation_ ? negotiation_->account.view() : xmpp::JidView();
}

void Stream::restart() {
  RONDEL_CHECK(negotiation_ != nullptr);
  state_ = StreamState::awaiting_header;
  has_sent_header_ = false;
  negotiation_->sasl.reset();  // What can be offered depends on the layer.
}

// --- Opening -------------------------------------------------------------------------------------

void Stream::opened(std::string_view header_bytes) {
  auto header = xml::parse_stream_header(header_bytes);
  if (!header) {
    fail(xmpp::to_stream_error(header.error()));
    return;
  }
  negotiation_->is_versioned = header->version.has_value();
  negotiation_->claimed = xmpp::Jid();
  if (auto from = xmpp::Jid::parse(header->from.value_or(std::string()))) {
    negotiation_->claimed = xmpp::Jid(from->view().bare_view());
  }
  if (auto root = xml::check_stream_root(*header); !root) {
    fail(xmpp::to_stream_error(root.error()));
    return;
  }
  if (interface_ == nullptr ? !assign_interface(*header) : !check_restarted_header(*header)) {
    return;
  }
  if (!is_version_supported(header->version.value_or(std::string()))) {
    fail(StreamErrorCondition::unsupported_version);
    return;
  }
  namespaces_ = header->namespaces;
  language_ = header->lang.value_or(std::string());
  write_header();
  state_ = is_authenticated_ ? StreamState::authenticated : StreamState::unauthenticated;
  write_features();
}

bool Stream::assign_interface(const xml::StreamHeader& header) {
  if (header.content_namespace() != ns::kClient) {
    fail(StreamErrorCondition::invalid_namespace, "this address serves clients only");
    return false;
  }
  if (!header.to || header.to->empty()) {
    fail(StreamErrorCondition::improper_addressing, "the stream header needs a 'to'");
    return false;
  }
  auto host = xmpp::prepare_domain(*header.to);
  for (const Interface* candidate : connection_.listener().interfaces) {
    if (const std::string* served = host ? candidate->find_host(*host) : nullptr) {
      interface_ = candidate;
      host_ = served;
      const auto waited = std::chrono::duration_cast<base::Milliseconds>(
          std::chrono::steady_clock::now() - opened_at_);
      const auto allowed = connection_.shard().options_of(*candidate).authentication_deadline;
      connection_.set_deadline(
          static_cast<std::uint64_t>(std::max<std::int64_t>((allowed - waited).count(), 1)));
      return true;
    }
  }
  fail(StreamErrorCondition::host_unknown);
  return false;
}

bool Stream::check_restarted_header(const xml::StreamHeader& header) {
  // A stream belongs to its host for good, and after authentication to its account (RFC 6120 §4.7).
  auto host = xmpp::prepare_domain(header.to.value_or(std::string()));
  if (header.content_namespace() != ns::kClient) {
    fail(StreamErrorCondition::invalid_namespace);
    return false;
  }
  if (!host || *host != *host_) {
    fail(StreamErrorCondition::host_unknown, "a stream can't change its host");
    return false;
  }
  if (is_authenticated_ && header.from) {
    auto from = xmpp::Jid::parse(*header.from);
    if (!from || from->bare() != jid().bare()) {
      fail(StreamErrorCondition::invalid_from);
      return false;
    }
  }
  return true;
}

void Stream::write_header() {
  has_sent_header_ = true;
  const std::string id = base::random_token();
  xml::StreamHeaderFields fields{.id = id, .lang = kOurLanguage};
  fields.from = host();
  if (const auto& served = connection_.listener().interfaces.front()->hosts;
      host_ == nullptr && !served.empty()) {
    fields.from = served.front();  // None was named, or none that is served: RFC 6120 §4.9.1.3.
  }
  fields.to = negotiation_->claimed.full();  // What the peer says to be (§4.7.2).
  if (!negotiation_->is_versioned) {
    fields.version = {};  // §4.7.5
  }
  xml::write_stream_header(fields, connection_.output());
}

void Stream::write_features() {
  xml::Document features = xml::Document::create("features", ns::kStreams);
  const bool is_encrypted = connection_.layer() && connection_.layer()->info().is_encrypted;
  const bool is_secure_enough = is_encrypted ||
                                interface_->options.tls == config::TlsMode::optional ||
                                interface_->options.tls == config::TlsMode::off;
  Shard& shard = connection_.shard();
  if (is_authenticated_) {
    xml::ElementBuilder(features).child("bind", ns::kBind);
    xml::ElementBuilder(features).child("session", ns::kSession).child("optional", ns::kSession);
    shard.advertise(api::FeatureStage::session, connection_, features);
  } else {
    shard.advertise(api::FeatureStage::encryption, connection_, features);
    if (is_secure_enough) {
      add_authentication_features(features);
      shard.advertise(api::FeatureStage::authentication, connection_, features);
    }
  }
  // XEP-0478 §3: what a stanza may be long; no idle limit, because dead peers are found by the
  // kernel.
  const std::uint32_t bytes_max = is_authenticated_ ? shard.options_of(*interface_).stanza_bytes_max
                                                    : base::kUnauthenticatedLimits.stanza_bytes_max;
  xml::ElementBuilder(features)
      .child("limits", ns::kStreamLimits)
      .child("max-bytes", ns::kStreamLimits)
      .text(std::to_string(bytes_max));
  connection_.send_element(features.root());
}

void Stream::add_authentication_features(xml::Document& features) {
  if (!negotiation_->sasl) {
    negotiation_->sasl = std::make_unique<SaslNegotiation>(connection_, *interface_, *host_);
  }
  if (negotiation_->sasl->mechanisms().empty()) {
    return;
  }
  xml::ElementBuilder builder(features);
  builder.child("mechanisms", ns::kSasl);
  for (const std::string& mechanism : negotiation_->sasl->mechanisms()) {
    builder.child("mechanism").text(mechanism).up();
  }
  if (!negotiation_->sasl->channel_bindings().empty()) {
    xml::ElementBuilder bindings(features);
    bindings.child("sasl-channel-binding", ns::kSaslChannelBinding);
    for (const std::string& type : negotiation_->sasl->channel_bindings()) {
      bindings.child("channel-binding").attribute("type", type).up();
    }
  }
}

bool Stream::layer_came_up(const api::Layer& layer) {
  RONDEL_LOG_DEBUG_WITH(log(), (log::Fields{.connection = connection_.id()}), "layer.up",
                        "layer={} version={} cipher={} engine={}", layer.info().name,
                        layer.info().version, layer.info().cipher, layer.info().engine);
  count_session();
  return connection_.shard().run_layer_accept(connection_, layer);
}

// --- Elements ------------------------------------------------------------------------------------

void Stream::received(xml::Document element) {
  ++connection_.shard().counters().stanzas_received;
  const auto verdict = connection_.shard().run_before_interface(connection_, element);
  if (verdict.kind() == hooks::Verdict::Kind::handled || connection_.is_closing()) {
    return;
  }
  if (verdict.kind() == hooks::Verdict::Kind::reject) {
    if (state_ == StreamState::bound) {
      refuse(element, verdict.condition<StanzaErrorCondition>());
    } else {
      fail(StreamErrorCondition::policy_violation);
    }
    return;
  }
  if (element.root().is("error", ns::kStreams)) {
    closed_by_peer();  // RFC 6120 §4.9.1.1: the peer has ended its stream by this.
  } else if (state_ == StreamState::bound) [[likely]] {
    stanza(std::move(element));
  } else if (state_ == StreamState::authenticated) {
    bind(std::move(element));
  } else {
    negotiate(element);
  }
}

bool Stream::offer_to_modules(api::FeatureStage stage, const xml::Element& element) {
  return connection_.shard().offer_element(stage, connection_, element);
}

void Stream::negotiate(const xml::Document& element) {
  const xml::Element& root = element.root();
  if (root.ns() == ns::kSasl) {
    const bool is_offered = negotiation_->sasl && !negotiation_->sasl->mechanisms().empty();
    return is_offered ? negotiation_->sasl->received(root)
                      : authentication_refused(xmpp::SaslFailure::encryption_required);
  }
  if (offer_to_modules(api::FeatureStage::encryption, root) ||
      (negotiation_->sasl && offer_to_modules(api::FeatureStage::authentication, root))) {
    return;
  }
  if (xmpp::kind_of(root)) {
    // RFC 6120 §4.9.3.12: stanzas come after authentication.
    fail(StreamErrorCondition::not_authorized);
  } else {
    fail(StreamErrorCondition::unsupported_stanza_type);
  }
}

// --- Authentication ------------------------------------------------------------------------------

void Stream::authentication_challenged(std::string_view data) {
  xml::Document challenge = xml::Document::create("challenge", ns::kSasl);
  xml::ElementBuilder(challenge).text(base::base64_encode(data));
  connection_.send_element(challenge.root());
}

void Stream::authentication_succeeded(Authenticated who,
                                      std::string data,
                                      std::string_view mechanism) {
  if (connection_.has_pending_input()) {
    fail(StreamErrorCondition::policy_violation, "data before the outcome of authentication");
    return;
  }
  // RFC 6120 §6.4.6, §13.7.2; a guest's address is the server's choice, and a plain header nobody's
  // word.
  const bool is_encrypted = connection_.layer() && connection_.layer()->info().is_encrypted;
  if (is_encrypted && !who.is_temporary && !negotiation_->claimed.is_empty() &&
      !(negotiation_->claimed == who.jid)) {
    fail(StreamErrorCondition::invalid_from, "the header's 'from' is another account");
    return;
  }
  RONDEL_LOG_INFO_WITH(log(),
                       (log::Fields{.jid = who.jid.full(),
                                    .connection = connection_.id(),
                                    .remote_address = connection_.peer().text()}),
                       "auth.success", "mechanism={}", mechanism);
  xml::Document success = xml::Document::create("success", ns::kSasl);
  if (!data.empty()) {
    xml::ElementBuilder(success).text(base::base64_encode(data));
  }
  connection_.send_element(success.root());
  negotiation_->account = std::move(who.jid);
  negotiation_->is_temporary = who.is_temporary;
  negotiation_->session_state = std::move(who.session_state);
  negotiation_->session_slot = who.session_slot;
  negotiation_->began_ms = negotiation_->sasl->began_ms();
  mechanism_ = &connection_.shard().keep_name(mechanism);
  is_authenticated_ = true;
  connection_.forget_channel_bindings();
  connection_.set_limits(connection_.shard().limits_of(*interface_));
  connection_.restart_input();
  restart();
}

void Stream::authentication_refused(xmpp::SaslFailure failure, std::string_view text) {
  RONDEL_LOG_INFO_WITH(
      log(),
      (log::Fields{.connection = connection_.id(), .remote_address = connection_.peer().text()}),
      "auth.failure", "condition={} host={}", xmpp::element_name(failure), host());
  xml::Document answer = xml::Document::create("failure", ns::kSasl);
  xml::ElementBuilder(answer).child(xmpp::element_name(failure), ns::kSasl);
  if (!text.empty()) {
    xml::ElementBuilder(answer).child("text", ns::kSasl).lang(kOurLanguage).text(text);
  }
  connection_.send_element(answer.root());
  if (negotiation_->sasl) {
    negotiation_->sasl->exchange_failed();
  }
  count_failed_authentication();
}

bool Stream::count_failed_authentication() {
  const int tries_max = connection_.shard().options_of(*interface_).authentication_tries_max;
  if (++negotiation_->failures < tries_max) {
    return true;
  }
  fail(StreamErrorCondition::policy_violation, "too many failed authentications");
  return false;
}

// --- Stanzas -------------------------------------------------------------------------------------

void Stream::load_ahead() const {
  if (session_ != nullptr) {
    base::prefetch_to_read(session_, sizeof(*session_));
  }
  expected_receiver_.prefetch();
}

void Stream::stanza(xml::Document document) {
  xml::Element& root = document.root();
  if (!xmpp::kind_of(root) || root.ns() != ns::kClient) {
    if (offer_to_modules(api::FeatureStage::session, root)) {
      return;
    }
    fail_of_no_stanza(root);
    return;
  }
  // RFC 6120 §8.1.2.1: a client speaks for its own address only.
  const xmpp::JidView own = session_->jid();
  if (const auto from = root.attribute("from");
      from && *from != own.full() && *from != own.bare()) {
    const auto parsed = xmpp::Jid::parse(*from);
    if (!parsed || (parsed->full() != own.full() && parsed->full() != own.bare())) {
      fail(StreamErrorCondition::invalid_from);
      return;
    }
  }
  root.remove_attribute("from");
  if (!language_.empty() && !root.lang()) {
    root.set_lang(document.arena(), language_);  // RFC 6120 §8.1.5
  }
  auto stanza = xmpp::Stanza::from_document(std::move(document));
  if (!stanza) {
    refuse(document, stanza.error());
    return;
  }
  stanza->set_from(own);
  outbound(std::move(*stanza));
}

void Stream::outbound(xmpp::Stanza stanza) {
  Shard& shard = connection_.shard();
  if (stanza.is_iq() && stanza.is_request() && stanza.payload("session", ns::kSession)) {
    // What RFC 3921 §3 asked for means nothing since RFC 6120; old clients wait for the answer.
    shard.deliver(*session_, xmpp::make_iq_result(stanza).root());
    return;
  }
  const auto verdict = shard.run_after_interface(connection_, *session_, stanza);
  if (verdict.kind() == hooks::Verdict::Kind::handled || connection_.is_closing()) {
    return;
  }
  if (verdict.kind() == hooks::Verdict::Kind::reject) {
    shard.bounce(stanza, verdict.condition<StanzaErrorCondition>(), {});
    return;
  }
  shard.router().from_client(connection_, std::move(stanza));
}

void Stream::refuse(const xml::Document& stanza,
                    StanzaErrorCondition condition,
                    std::string_view text) {
  xml::Document reply = xmpp::make_error_reply(stanza.root(), {condition, text});
  if (reply.empty()) {
    return;
  }
  // RFC 6120 §8.3.1: no stanza of ours is from an address that is none; this host answers then.
  if (const auto from = reply.root().attribute("from"); from && !xmpp::Jid::parse(*from)) {
    reply.root().set_attribute(reply.arena(), "from", host());
  }
  if (session_ != nullptr) {
    reply.root().set_attribute(reply.arena(), "to", session_->jid().full());
    connection_.shard().deliver(*session_, reply.root());
  } else {
    connection_.send_element(reply.root());
  }
}

// --- The end -------------------------------------------------------------------------------------

void Stream::fail(StreamErrorCondition condition, std::string_view text) {
  connection_.close(condition, text);
}

/// RFC 6120 §4.8.3, §4.8.4.
void Stream::fail_of_no_stanza(const xml::Element& element) {
  fail(element.ns() == ns::kServer ? StreamErrorCondition::invalid_namespace
                                   : StreamErrorCondition::unsupported_stanza_type);
}

void Stream::write_error(StreamErrorCondition condition, std::string_view text) {
  if (!has_sent_header_) {
    write_header();
  }
  RONDEL_LOG_INFO_WITH(log(),
                       (log::Fields{.jid = jid().full(),
                                    .connection = connection_.id(),
                                    .remote_address = connection_.peer().text()}),
                       "stream.error", "condition={} {}", xmpp::to_text(condition), text);
  xmpp::StreamError error(condition);
  if (!text.empty()) {
    error.text = text;
  }
  xmpp::write_stream_error(error, connection_.output());
  connection_.output().append(xml::kStreamEndTag);
}

void Stream::closed_by_peer() {
  if (has_sent_header_) {
    connection_.output().append(xml::kStreamEndTag);
  }
  connection_.begin_end();
  ended();
}

void Stream::lost(std::string_view why) {
  RONDEL_LOG_DEBUG_WITH(log(), (log::Fields{.jid = jid().full(), .connection = connection_.id()}),
                        "stream.lost", "{}", why);
  ended();
}

void Stream::count_session() {
  if (session_ != nullptr) {
    const api::Layer* layer = connection_.layer();
    counted_ = connection_.shard().session_counts().move(
        counted_, layer != nullptr ? layer->info().engine : std::string_view());
  }
}

void Stream::ended() {
  if (state_ == StreamState::ended) {
    return;
  }
  const bool was_bound = state_ == StreamState::bound;
  state_ = StreamState::ended;
  const xmpp::Jid own(jid());  // The session goes; the log wants its name.
  negotiation_.reset();
  if (session_ != nullptr) {
    api::Session& session = *session_;
    session_ = nullptr;
    connection_.shard().session_counts().leave(std::exchange(counted_, SessionCounts::kNowhere));
    connection_.shard().end_session(session);
  }
  if (was_bound) {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::steady_clock::now() - opened_at_);
    RONDEL_LOG_INFO_WITH(log(), (log::Fields{.jid = own.full(), .connection = connection_.id()}),
                         "c2s.closed", "received={} sent={} seconds={}",
                         connection_.traffic().bytes_received, connection_.traffic().bytes_sent,
                         age.count());
  }
}

}  // namespace rondel::server
