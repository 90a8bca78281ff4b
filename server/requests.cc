// IQ requests, what is sent to the host itself, and errors (RFC 6120 §8.2.3, §8.3, §10.5).
#include <utility>

#include "server/connection.h"
#include "server/router.h"
#include "server/shard.h"

namespace rondel::server {

using api::Outcome;
using hooks::Verdict;
using xmpp::StanzaErrorCondition;

void Router::process_host(xmpp::Stanza stanza) {
  api::BeforeProcess context{{shard_}, nullptr, stanza};
  const Verdict verdict = shard_.chains().before_process.of(api::traffic_of(stanza)).run(context);
  if (verdict.kind() == Verdict::Kind::reject) {
    bounce(stanza, verdict.condition<StanzaErrorCondition>());
    finished(nullptr, stanza, Outcome::bounced);
  } else if (verdict.kind() == Verdict::Kind::handled) {
    finished(nullptr, stanza, Outcome::handled);
  } else if (stanza.is_iq()) {
    act_on_iq(nullptr, std::move(stanza));
  } else {
    // The server itself reads no messages and has no presence (RFC 6120 §10.5.2).
    const bool is_answered = stanza.is_message() && !stanza.is_error();
    if (is_answered) {
      bounce(stanza, StanzaErrorCondition::service_unavailable);
    }
    finished(nullptr, stanza, is_answered ? Outcome::bounced : Outcome::dropped);
  }
}

const Registry::Iq* Router::find_handler(const xmpp::Stanza& request, bool is_account) const {
  if (request.to().has_resource()) {
    return nullptr;
  }
  const xml::Element& payload = *request.payload();
  const Registry::Iq* handler = shard_.registry().find_iq(payload.name(), payload.ns(), is_account);
  const bool is_get = request.iq_type() == xmpp::IqType::get;
  const bool is_taken = handler != nullptr &&
                        (is_get ? handler->route.accepts_get : handler->route.accepts_set) &&
                        shard_.serves(handler->module, request.to().domain());
  return is_taken ? handler : nullptr;
}

void Router::act_on_iq(UserEntry* user, xmpp::Stanza stanza) {
  if (user != nullptr && stanza.to().has_resource()) {
    api::Session* session = user->find_session(stanza.to().resource());
    Outcome outcome = Outcome::dropped;
    if (session != nullptr && choose(*session)) {
      outcome = Outcome::delivered;
    } else if (stanza.is_request()) {
      bounce(stanza, StanzaErrorCondition::service_unavailable);
      outcome = Outcome::bounced;
    }
    finished(user, stanza, outcome);
    return;
  }
  if (stanza.is_response()) {
    finished(user, stanza, Outcome::dropped);
    return;
  }
  const Registry::Iq* handler = find_handler(stanza, user != nullptr);
  if (handler == nullptr) {
    bounce(stanza, StanzaErrorCondition::service_unavailable);
    finished(user, stanza, Outcome::bounced);
    return;
  }
  if (handler->function != nullptr) {
    const api::IqRequest request(shard_, std::move(stanza));
    const Outcome outcome =
        answer(handler->function(shard_.module_state(handler->module), request), request.stanza());
    finished(user, request.stanza(), outcome);
    return;
  }
  if (user != nullptr) {
    user->is_busy = true;
  }
  std::string bare_jid(user != nullptr ? user->jid().full() : std::string_view());
  run_iq(*handler, std::move(bare_jid), std::move(stanza)).start();
}

base::Task<> Router::run_iq(const Registry::Iq& handler,
                            std::string bare_jid,
                            xmpp::Stanza stanza) {
  // Of an account one request is under way at a time, because it is busy; of a host one for each
  // client, which is not read meanwhile: no client can fill our queues of work.
  const base::ConnectionId asker = bare_jid.empty() ? shard_.source() : base::ConnectionId();
  if (Connection* connection = shard_.connection(asker)) {
    connection->pause();
  }
  api::IqRequest request(shard_, stanza.clone());
  api::IqReply reply =
      co_await handler.task(shard_.module_state(handler.module), std::move(request));
  const Outcome outcome = answer(std::move(reply), stanza);
  if (bare_jid.empty()) {
    finished(nullptr, stanza, outcome);
  } else {
    task_finished(bare_jid, stanza, outcome);
  }
  if (Connection* connection = shard_.connection(asker)) {
    connection->resume();
  }
}

Outcome Router::answer(api::IqReply reply, const xmpp::Stanza& request) {
  if (reply.is_error()) {
    bounce(request, reply.condition(), reply.text());
    return Outcome::bounced;
  }
  if (!reply.is_none()) {
    shard_.route(reply.take_result());
  }
  return Outcome::handled;
}

void Router::bounce(const xmpp::Stanza& stanza,
                    StanzaErrorCondition condition,
                    std::string_view text) {
  xml::Document reply = xmpp::make_error_reply(stanza.root(), {condition, text});
  if (!reply.empty() && !stanza.from().is_empty()) {
    shard_.route(std::move(reply));
  }
}

}  // namespace rondel::server
