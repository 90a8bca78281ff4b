#include "server/router.h"

#include <utility>

#include "server/connection.h"
#include "server/shard.h"
#include "xmpp/namespaces.h"

namespace rondel::server {

using api::Outcome;
using hooks::Verdict;
using xmpp::StanzaErrorCondition;

/// A stanza whose before-process chain waits for a module.
struct Router::Suspended final : base::Timer {
  Suspended(Router& owner, std::uint64_t id, UserEntry& target, xmpp::Stanza held, std::size_t at)
      : router(owner), continuation(id), user(target), stanza(std::move(held)), hook(at) {}
  void expired() override {
    router.resume_processing(continuation,
                             Verdict::reject(StanzaErrorCondition::remote_server_timeout));
  }
  Router& router;
  const std::uint64_t continuation;
  UserEntry& user;  ///< Busy as long as this exists, so it stays.
  xmpp::Stanza stanza;
  const std::size_t hook;
};

Router::Router(Shard& shard) : shard_(shard) {
}
Router::~Router() = default;

// --- Ways in -------------------------------------------------------------------------------------

void Router::from_client(Connection& connection, xmpp::Stanza stanza) {
  shard_.set_source(connection.id());
  if (stanza.is_presence() && shard_.registry().outbound_presence) {
    connection.pause();
    if (UserEntry* user = find_user(stanza.from().bare())) {
      ++user->holds;
    }
    std::string full_jid(stanza.from().full());
    run_outbound_presence(connection.id(), std::move(full_jid), std::move(stanza)).start();
  } else {
    if (stanza.to().is_empty()) {
      stanza.set_to(stanza.from().bare_view());  // RFC 6120 §10.3
    }
    route(std::move(stanza));
  }
  shard_.set_source({});
  drain();
}

base::Task<> Router::run_outbound_presence(base::ConnectionId connection,
                                           std::string full_jid,
                                           xmpp::Stanza stanza) {
  const auto& handler = shard_.registry().outbound_presence;
  const bool is_own = stanza.to().is_empty();
  std::string bare_jid(stanza.from().bare());
  Verdict verdict = Verdict::next();
  if (is_own) {
    api::BeforeProcess context{{shard_}, find_user(bare_jid), stanza};
    verdict = shard_.chains().before_process.of(api::traffic_of(stanza)).run(context);
  }
  if (verdict.is_next() || verdict.kind() == Verdict::Kind::suspend) {
    const api::Outbound outbound =
        co_await handler.function(shard_.module_state(handler.module), std::move(full_jid), stanza);
    if (is_own) {
      finished(find_user(bare_jid), stanza, Outcome::handled);
    } else if (outbound == api::Outbound::route) {
      route(std::move(stanza));
    }
  } else if (verdict.kind() == Verdict::Kind::reject) {
    bounce(stanza, verdict.condition<StanzaErrorCondition>());
    finished(find_user(bare_jid), stanza, Outcome::bounced);
  } else {
    finished(find_user(bare_jid), stanza, Outcome::handled);
  }
  if (UserEntry* user = find_user(bare_jid)) {
    --user->holds;
    release(*user);
  }
  if (Connection* sender = shard_.connection(connection)) {
    sender->resume();
  }
}

void Router::route_later(xmpp::Stanza stanza) {
  later_.push_back(std::move(stanza));
}

void Router::drain() {
  if (is_draining_) {
    return;
  }
  is_draining_ = true;
  while (!later_.empty()) {
    xmpp::Stanza stanza = std::move(later_.front());
    later_.pop_front();
    route(std::move(stanza));
  }
  is_draining_ = false;
}

void Router::route(xmpp::Stanza stanza) {
  const xmpp::JidView to = stanza.to();
  if (shard_.find_host(to.domain()) == nullptr) {
    bounce(stanza, StanzaErrorCondition::remote_server_not_found);
    return;
  }
  if (!to.has_local()) {
    process_host(std::move(stanza));
    return;
  }
  const std::uint16_t home = shard_.home_of(to.bare());
  if (home == shard_.index()) {
    process(std::move(stanza));
    return;
  }
  Message message(RouteStanza(std::move(stanza), shard_.source()));
  if (!shard_.try_send(home, std::move(message))) {
    bounce(std::get<RouteStanza>(message).stanza(), StanzaErrorCondition::resource_constraint,
           "the server is busy");
  }
}

// --- Users ---------------------------------------------------------------------------------------

UserEntry& Router::user_for_session(xmpp::JidView bare_jid) {
  if (UserEntry* user = find_user(bare_jid.full())) {
    return *user;
  }
  return users_.insert(std::make_unique<UserEntry>(xmpp::Jid(bare_jid)));
}

void Router::release(UserEntry& user) {
  if (user.is_idle()) {
    users_.erase(user);
  }
}

void Router::enqueue(UserEntry& user, xmpp::Stanza stanza) {
  if (user.waiting.size() >= base::kPendingPerUserMax) {
    bounce(stanza, StanzaErrorCondition::resource_constraint, "too much waits for this account");
    return;
  }
  user.waiting.push_back(std::move(stanza));
}

void Router::process(xmpp::Stanza stanza) {
  UserEntry* user = find_user(stanza.to().bare());
  if (user == nullptr) {
    if (stanza.is_presence() && stanza.is_availability()) {
      return;  // Nobody is there to see it, whether the account exists or not.
    }
    std::string bare_jid(stanza.to().bare());
    user = &user_for_session(stanza.to().bare_view());
    user->is_busy = true;
    user->waiting.push_back(std::move(stanza));
    load_account(std::move(bare_jid)).start();
    return;
  }
  if (user->is_busy || user->is_performing) {
    enqueue(*user, std::move(stanza));
    return;
  }
  user->is_performing = true;
  perform(*user, std::move(stanza));
  perform_waiting(*user);
}

void Router::perform_waiting(UserEntry& user) {
  user.is_performing = true;
  while (!user.is_busy && !user.waiting.empty()) {
    xmpp::Stanza stanza = std::move(user.waiting.front());
    user.waiting.pop_front();
    perform(user, std::move(stanza));
  }
  user.is_performing = false;
  release(user);
}

base::Task<> Router::load_account(std::string bare_jid) {
  const auto address = xmpp::Jid::parse(bare_jid);
  const api::Host* host = address ? shard_.find_host(address->domain()) : nullptr;
  auto account = store::StoreResult<store::Account>(
      base::Unexpected(store::StoreError(store::Failure::unavailable, "no user storage")));
  if (host != nullptr && host->stores.users != nullptr) {
    store::UserKey key{std::string(address->local()), std::string(address->domain())};
    account = co_await host->stores.users->lookup(std::move(key));
  }
  UserEntry& user = *find_user(bare_jid);  // Busy since before the wait, so it is there.
  user.is_busy = false;
  // A session that was bound meanwhile proves that the account exists.
  if (account || !user.sessions().empty()) {
    perform_waiting(user);
    co_return;
  }
  const bool is_unknown = account.error().failure == store::Failure::not_found;
  while (!user.waiting.empty()) {
    xmpp::Stanza stanza = std::move(user.waiting.front());
    user.waiting.pop_front();
    if (is_unknown) {
      unknown_account(std::move(stanza));
    } else {
      bounce(stanza, StanzaErrorCondition::resource_constraint, "storage is not available");
    }
  }
  release(user);
}

/// RFC 6121 §8.5.1: the same answers as for an account that nobody is at, where that hides who
/// exists.
void Router::unknown_account(xmpp::Stanza stanza) {
  if (stanza.is_presence()) {
    if (stanza.presence_type() == xmpp::PresenceType::probe) {
      // As an account answers whom it does not know (§4.3.2, §4.3.2.1).
      xml::Document answer = xmpp::make_presence(
          xmpp::PresenceType::unsubscribed, stanza.to().bare_view(), stanza.from().bare_view());
      if (!stanza.id().empty()) {
        answer.root().set_attribute(answer.arena(), "id", stanza.id());
      }
      shard_.route(std::move(answer));
    }
  } else if (!stanza.is_message() || stanza.message_type() != xmpp::MessageType::headline) {
    const Registry::Iq* handler = stanza.is_request() ? find_handler(stanza, true) : nullptr;
    bounce(stanza, handler != nullptr ? handler->route.without_account
                                      : StanzaErrorCondition::service_unavailable);
  }
}

// --- Processing ----------------------------------------------------------------------------------

void Router::perform(UserEntry& user, xmpp::Stanza stanza) {
  const auto& chain = shard_.chains().before_process.of(api::traffic_of(stanza));
  if (chain.empty()) [[likely]] {
    act(user, std::move(stanza));
    return;
  }
  api::BeforeProcess context{{shard_}, &user, stanza, next_continuation_};
  const Verdict verdict = chain.run(context);
  switch (verdict.kind()) {
    case Verdict::Kind::next:
      act(user, std::move(stanza));
      return;
    case Verdict::Kind::handled:
      finished(&user, stanza, Outcome::handled);
      return;
    case Verdict::Kind::reject:
      bounce(stanza, verdict.condition<StanzaErrorCondition>());
      finished(&user, stanza, Outcome::bounced);
      return;
    case Verdict::Kind::suspend:
      suspend(next_continuation_++, user, std::move(stanza), context.stopped_at);
      return;
  }
}

void Router::suspend(std::uint64_t continuation,
                     UserEntry& user,
                     xmpp::Stanza stanza,
                     std::size_t hook) {
  user.is_busy = true;
  auto held = std::make_unique<Suspended>(*this, continuation, user, std::move(stanza), hook);
  shard_.timers().set(*held, api::kSuspendDeadlineMs);
  suspended_.emplace(continuation, std::move(held));
}

void Router::resume_processing(std::uint64_t continuation, Verdict verdict) {
  auto node = suspended_.extract(continuation);
  if (node.empty()) {
    return;
  }
  const std::unique_ptr<Suspended> held = std::move(node.mapped());
  held->cancel();
  UserEntry& user = held->user;
  user.is_busy = false;
  user.is_performing = true;
  if (verdict.is_next()) {
    api::BeforeProcess context{{shard_}, &user, held->stanza, next_continuation_};
    verdict = shard_.chains()
                  .before_process.of(api::traffic_of(held->stanza))
                  .run_from(context, held->hook + 1);
    if (verdict.kind() == Verdict::Kind::suspend) {
      suspend(next_continuation_++, user, std::move(held->stanza), context.stopped_at);
      user.is_performing = false;
      return;
    }
  }
  if (verdict.is_next()) {
    act(user, std::move(held->stanza));
  } else if (verdict.kind() == Verdict::Kind::reject) {
    bounce(held->stanza, verdict.condition<StanzaErrorCondition>());
    finished(&user, held->stanza, Outcome::bounced);
  } else {
    finished(&user, held->stanza, Outcome::handled);
  }
  perform_waiting(user);
}

void Router::act(UserEntry& user, xmpp::Stanza stanza) {
  switch (stanza.kind()) {
    case xmpp::StanzaKind::message:
      act_on_message(user, std::move(stanza));
      return;
    case xmpp::StanzaKind::presence:
      act_on_presence(user, std::move(stanza));
      return;
    case xmpp::StanzaKind::iq:
      act_on_iq(&user, std::move(stanza));
      return;
  }
}

void Router::finished(api::User* user, const xmpp::Stanza& stanza, Outcome outcome) {
  // Taken first: a hook may end the wait of another stanza, which chooses sessions of its own.
  std::vector<base::ConnectionId> chosen = std::exchange(chosen_, {});
  if (const auto& chain = shard_.chains().after_process.of(api::traffic_of(stanza));
      !chain.empty()) {
    api::AfterProcess context{{shard_}, user, stanza, outcome};
    chain.run(context);
  }
  for (const base::ConnectionId id : chosen) {
    Connection* connection = shard_.connection(id);
    if (connection != nullptr && connection->session() != nullptr) {
      shard_.deliver(*connection->session(), stanza.root());
    }
  }
  chosen.clear();
  if (chosen_.capacity() == 0) {
    chosen_ = std::move(chosen);  // Its memory serves the next stanza.
  }
}

void Router::task_finished(const std::string& bare_jid,
                           const xmpp::Stanza& stanza,
                           Outcome outcome) {
  UserEntry& user = *find_user(bare_jid);  // Busy since before the wait, so it is there.
  user.is_busy = false;
  // So that it stays, whatever a hook does to its sessions.
  const bool is_nested = std::exchange(user.is_performing, true);
  finished(&user, stanza, outcome);
  if (!is_nested) {
    perform_waiting(user);
  }
}

void Router::act_on_presence(UserEntry& user, xmpp::Stanza stanza) {
  if (stanza.is_availability() && stanza.to().has_resource()) {
    api::Session* session = user.find_session(stanza.to().resource());
    const bool is_delivered = session != nullptr && choose(*session);
    finished(&user, stanza, is_delivered ? Outcome::delivered : Outcome::dropped);
    return;
  }
  if (shard_.registry().inbound_presence) {
    user.is_busy = true;
    std::string bare_jid(user.jid().full());
    run_inbound_presence(std::move(bare_jid), std::move(stanza)).start();
    return;
  }
  const bool is_delivered = stanza.is_availability() && choose_available(user) > 0;
  finished(&user, stanza, is_delivered ? Outcome::delivered : Outcome::dropped);
}

base::Task<> Router::run_inbound_presence(std::string bare_jid, xmpp::Stanza stanza) {
  const auto& handler = shard_.registry().inbound_presence;
  std::string user = bare_jid;
  const Outcome outcome =
      co_await handler.function(shard_.module_state(handler.module), std::move(user), stanza);
  task_finished(bare_jid, stanza, outcome);
}

base::Task<> Router::run_fallback(std::string bare_jid, xmpp::Stanza stanza) {
  const auto& handler = shard_.registry().message_fallback;
  std::string user = bare_jid;
  const api::Fallback fallback =
      co_await handler.function(shard_.module_state(handler.module), std::move(user), stanza);
  Outcome outcome = Outcome::stored;
  if (fallback == api::Fallback::refused) {
    bounce(stanza, StanzaErrorCondition::service_unavailable);
    outcome = Outcome::bounced;
  } else if (fallback == api::Fallback::failed) {
    bounce(stanza, StanzaErrorCondition::resource_constraint, "storage is not available");
    outcome = Outcome::bounced;
  }
  task_finished(bare_jid, stanza, outcome);
}

}  // namespace rondel::server
