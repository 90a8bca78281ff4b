// Messages to accounts: RFC 6121 §8.5.2 and §8.5.3, the table of §8.5.4 row by row.
#include <algorithm>

#include "server/router.h"
#include "server/shard.h"

namespace rondel::server {

using api::Outcome;
using xmpp::MessageType;
using xmpp::StanzaErrorCondition;

std::size_t Router::deliver_to_best(UserEntry& user, const xmpp::Stanza& stanza) {
  // §8.5.2.1.1: the resource or resources with the highest priority that is not negative.
  int best = -1;
  for (const auto& session : user.sessions()) {
    if (session->is_available()) {
      best = std::max(best, session->priority());
    }
  }
  std::size_t count = 0;
  for (const auto& session : user.sessions()) {
    if (best >= 0 && session->is_available() && session->priority() == best) {
      count += shard_.deliver(*session, stanza.root()) ? 1 : 0;
    }
  }
  return count;
}

std::size_t Router::deliver_to_available(UserEntry& user, const xml::Element& stanza) {
  std::size_t count = 0;
  for (const auto& session : user.sessions()) {
    if (session->is_available()) {
      count += shard_.deliver(*session, stanza) ? 1 : 0;
    }
  }
  return count;
}

void Router::act_on_message(UserEntry& user, xmpp::Stanza stanza) {
  const MessageType type = stanza.message_type();
  if (stanza.to().has_resource()) {
    // §8.5.3.1: a connected resource gets it, whatever its presence and priority.
    if (api::Session* session = user.find_session(stanza.to().resource());
        session != nullptr && shard_.deliver(*session, stanza.root())) {
      finished(&user, stanza, Outcome::delivered);
      return;
    }
    // §8.5.3.2.1: only chat goes on as if it were sent to the bare JID.
    if (type != MessageType::chat) {
      const bool is_answered = type == MessageType::normal || type == MessageType::groupchat;
      if (is_answered) {
        bounce(stanza, StanzaErrorCondition::service_unavailable);
      }
      finished(&user, stanza, is_answered ? Outcome::bounced : Outcome::dropped);
      return;
    }
  }
  switch (type) {
    case MessageType::groupchat:
      bounce(stanza, StanzaErrorCondition::service_unavailable);
      finished(&user, stanza, Outcome::bounced);
      return;
    case MessageType::error:
      finished(&user, stanza, Outcome::dropped);
      return;
    case MessageType::headline: {
      std::size_t count = 0;
      for (const auto& session : user.sessions()) {
        if (session->is_available() && session->priority() >= 0) {
          count += shard_.deliver(*session, stanza.root()) ? 1 : 0;
        }
      }
      finished(&user, stanza, count > 0 ? Outcome::delivered : Outcome::dropped);
      return;
    }
    case MessageType::normal:
    case MessageType::chat:
      break;
  }
  if (deliver_to_best(user, stanza) > 0) {
    finished(&user, stanza, Outcome::delivered);
  } else if (shard_.registry().message_fallback) {
    user.is_busy = true;
    std::string bare_jid(user.jid().full());
    run_fallback(std::move(bare_jid), std::move(stanza)).start();
  } else {
    bounce(stanza, StanzaErrorCondition::service_unavailable);
    finished(&user, stanza, Outcome::bounced);
  }
}

}  // namespace rondel::server
