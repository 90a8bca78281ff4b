// Messages to accounts: RFC 6121 §8.5.2 and §8.5.3, the table of §8.5.4 row by row.
#include <algorithm>

#include "server/connection.h"
#include "server/router.h"
#include "server/shard.h"

namespace rondel::server {

using api::Outcome;
using xmpp::MessageType;
using xmpp::StanzaErrorCondition;

namespace {

/// How much of an address is worth loading ahead: of a usual one, all. Units: bytes.
std::uint16_t size_of(std::string_view jid) {
  return static_cast<std::uint16_t>(std::min(jid.size(), 2 * base::kCacheLineBytes));
}

}  // namespace

bool Router::choose(const api::Session& session) {
  const Connection* connection = shard_.connection(session.connection());
  if (connection == nullptr || connection->is_closing()) {
    return false;
  }
  chosen_.push_back(session.connection());
  if (chosen_.size() == 1) {
    expect(session, *connection);
  }
  return true;
}

void Router::expect(const api::Session& session, const Connection& receiver) {
  Connection* sender = shard_.connection(shard_.source());
  if (sender == nullptr || sender->stream().expected_receiver().is(&receiver)) {
    return;
  }
  const auto& user = static_cast<const UserEntry&>(session.user());
  const api::Session* own = sender->stream().session();
  const std::string_view own_jid = own == nullptr ? std::string_view() : own->jid().full();
  sender->stream().expected_receiver().set({{{own_jid.data(), size_of(own_jid)},
                                             {users_.place_of(user), 1},
                                             {&user, sizeof(user)},
                                             {user.jid().full().data(), size_of(user.jid().full())},
                                             {user.sessions().data(), 1},
                                             {&session, 2 * base::kCacheLineBytes},
                                             {&receiver, Shard::kWritingBytes}}});
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
