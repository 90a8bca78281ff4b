// Messages to accounts: RFC 6121 §8.5.2 and §8.5.3, the table of §8.5.4 row by row.
#include <algorithm>

#include "server/connection.h"
#include "server/router.h"
#include "server/shard.h"

namespace rondel::server {

using api::Outcome;
using xmpp::MessageType;
using xmpp::StanzaErrorCondition;

bool Router::choose(const api::Session& session) {
  const Connection* connection = shard_.connection(session.connection());
  if (connection == nullptr || connection->is_closing()) {
    return false;
  }
  chosen_.push_back(session.connection());
  return true;
}

std::size_t Router::choose_best(UserEntry& user) {
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
      count += choose(*session) ? 1 : 0;
    }
  }
  return count;
}

std::size_t Router::choose_available(UserEntry& user) {
  std::size_t count = 0;
  for (const auto& session : user.sessions()) {
    if (session->is_available()) {
      count += choose(*session) ? 1 : 0;
    }
  }
  return count;
}

void Router::act_on_message(UserEntry& user, xmpp::Stanza stanza) {
  const MessageType type = stanza.message_type();
  if (stanza.to().has_resource()) {
    // §8.5.3.1: a connected resource gets it, whatever its presence and priority.
    if (api::Session* session = user.find_session(stanza.to().resource());
        session != nullptr && choose(*session)) {
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
          count += choose(*session) ? 1 : 0;
        }
      }
      finished(&user, stanza, count > 0 ? Outcome::delivered : Outcome::dropped);
      return;
    }
    case MessageType::normal:
    case MessageType::chat:
      break;
  }
  if (choose_best(user) > 0) {
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
