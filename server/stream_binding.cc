// Resource binding (RFC 6120 §7), which brings a stream to its user's home shard.
#include "base/random.h"
#include "server/connection.h"
#include "server/negotiation.h"
#include "server/shard.h"
#include "server/stream.h"
#include "xmpp/namespaces.h"
#include "xmpp/stanza.h"

namespace rondel::server {

using xmpp::StanzaErrorCondition;
using xmpp::StreamErrorCondition;
namespace ns = xmpp::ns;
namespace {

/// Whether a stanza is for the server or the client's own account, as all that comes before a
/// resource must be. Source: RFC 6120 §7.1.
bool is_for(const xml::Element& stanza, std::string_view host, std::string_view account) {
  const auto to = stanza.attribute("to");
  if (!to) {
    return true;
  }
  const auto address = xmpp::Jid::parse(*to);
  return address && (address->full() == host || address->full() == account);
}

}  // namespace

void Stream::bind(xml::Document request) {
  const xml::Element& root = request.root();
  const xml::Element* payload = root.child("bind", ns::kBind);
  if (!xmpp::kind_of(root) || root.ns() != ns::kClient) {
    if (!offer_to_modules(api::FeatureStage::session, root)) {
      fail_of_no_stanza(root);
    }
    return;
  }
  if (root.name() != "iq" || payload == nullptr || !is_for(root, host(), jid().bare())) {
    fail(StreamErrorCondition::not_authorized, "a resource must be bound first");  // RFC 6120 §7.1
    return;
  }
  const bool is_alone = root.first_element() == payload && payload->next_element() == nullptr;
  if (root.attribute_or("type", {}) != "set" || !root.has_attribute("id") || !is_alone) {
    refuse_binding(request, StanzaErrorCondition::bad_request,
                   "binding is an iq of type set with an id and nothing else");
    return;
  }
  state_ = StreamState::binding;
  negotiation_->bind_request = std::make_unique<xml::Document>(std::move(request));
  Shard& shard = connection_.shard();
  const std::uint16_t home = shard.home_of(jid().bare());
  if (home == shard.index()) {
    bind_at_home();
  } else {
    connection_.pause();
    shard.move_later(connection_, home);
  }
}

/// RFC 6120 §7.7.3.
void Stream::refuse_binding(const xml::Document& request,
                            StanzaErrorCondition condition,
                            std::string_view text) {
  refuse(request, condition, text);
  if (++negotiation_->refused_bindings >= kBindingTriesMax) {
    fail(StreamErrorCondition::policy_violation, "too many refused bindings");
  }
}

void Stream::arrived() {
  bind_at_home();
  connection_.resume();
}

void Stream::bind_at_home() {
  const std::unique_ptr<xml::Document> request = std::move(negotiation_->bind_request);
  state_ = StreamState::authenticated;
  Shard& shard = connection_.shard();
  if (shard.has_account_changed_since(jid().bare(), negotiation_->began_ms)) {
    fail(StreamErrorCondition::reset, "the account has changed since it was authenticated");
    return;
  }
  const xml::Element* wanted = request->root().child("bind", ns::kBind)->child("resource");
  const std::string asked = wanted ? wanted->text() : std::string();
  // RFC 6120 §7.6, §7.7: nothing asked for gets a resource of ours.
  auto resource = asked.empty() ? base::Result<std::string, xmpp::JidError>(base::random_token())
                                : xmpp::prepare_resource(asked);
  auto full = resource
                  ? xmpp::Jid::with_resource(jid().bare_view(), *resource)
                  : base::Result<xmpp::Jid, xmpp::JidError>(base::Unexpected(resource.error()));
  if (!full) {
    refuse_binding(*request, StanzaErrorCondition::bad_request, xmpp::to_text(full.error()));
    return;
  }
  const config::InterfaceOptions& options = shard.options_of(*interface_);
  session_ = shard.begin_session(connection_, *full, options.resources_max);
  if (session_ == nullptr) {
    // RFC 6120 §7.6.2.1: as many resources as an account may have are bound.
    refuse_binding(*request, StanzaErrorCondition::resource_constraint, "too many resources");
    return;
  }
  count_session();
  if (negotiation_->is_temporary) {
    session_->user().set_temporary();
  }
  if (negotiation_->session_state) {
    session_->set_state(negotiation_->session_slot, std::move(negotiation_->session_state));
  }
  negotiation_.reset();
  state_ = StreamState::bound;
  connection_.cancel_deadline();
  connection_.read_continuously();
  connection_.set_receive_rate({options.receive_rate, options.receive_burst});
  xml::Document result = xmpp::make_iq_result(request->root());
  xml::ElementBuilder(result).child("bind", ns::kBind).child("jid").text(full->full());
  connection_.send_element(result.root());
  RONDEL_LOG_INFO_WITH(log(),
                       (log::Fields{.jid = full->full(),
                                    .connection = connection_.id(),
                                    .remote_address = connection_.peer().text()}),
                       "c2s.bound", "mechanism={} tls={}", mechanism(),
                       connection_.layer() ? connection_.layer()->info().version : "none");
  shard.session_started(*session_);
}

}  // namespace rondel::server
