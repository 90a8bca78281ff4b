#include "modules/offline/offline.h"

#include <utility>
#include <vector>

#include "modules/offline/keepable.h"
#include "xml/parser.h"
#include "xml/writer.h"
#include "xmpp/delay.h"

namespace rondel::modules::offline {
namespace {

using api::Fallback;
using hooks::Verdict;
using xmpp::StanzaErrorCondition;

/// A page stays far below what a connection may have unsent.
constexpr std::size_t kPageStanzasMax = 64;
constexpr std::size_t kPageBytesMax = base::kOutputBytesHigh / 2;

store::UserKey key_of(std::string_view bare_jid) {
  const std::size_t at = bare_jid.find('@');
  return {std::string(bare_jid.substr(0, at)), std::string(bare_jid.substr(at + 1))};
}

}  // namespace

const api::Host* Offline::find_host(std::string_view bare_jid) const {
  const api::Host* host = shard_.find_host(bare_jid.substr(bare_jid.find('@') + 1));
  if (host == nullptr || host->stores.offline == nullptr) {
    return nullptr;
  }
  const bool is_served =
      host->options->modules_off.empty() || shard_.config()->serves("offline", host->options->name);
  return is_served ? host : nullptr;
}

bool Offline::is_open(const api::Session& session) const {
  return session.is_available() && session.priority() >= 0;
}

api::Session* Offline::find_session(const Flush& flush) {
  api::User* user = shard_.find_user(flush.user);
  return user == nullptr ? nullptr : user->find_session(flush.resource);
}

Flush* Offline::find_flush(std::string_view bare_jid) {
  if (flushes_.empty()) [[likely]] {
    return nullptr;
  }
  const auto found = flushes_.find(bare_jid);
  return found == flushes_.end() ? nullptr : found->second.get();
}

void Offline::log_failure(std::string_view what,
                          std::string_view bare_jid,
                          const store::StoreError& error) {
  RONDEL_LOG_ERROR_WITH(shard_.log(), (log::Fields{.jid = bare_jid}), "offline.storage", "{}: {}",
                        what, error.message);
}

// --- Storing
// -----------------------------------------------------------------------------------------------------------

std::string Offline::make_text(const xmpp::Stanza& stanza,
                               const api::Host& host,
                               store::Timestamp stamp) {
  xmpp::Stanza copy = stanza.clone();
  const auto from = xmpp::Jid::parse(host.name);
  RONDEL_CHECK(from.has_value());
  // Only we say in our name when a message came (XEP-0203 §7).
  xmpp::remove_delays_from(copy.root(), *from);
  xmpp::append_delay(copy.arena(), copy.root(), *from, stamp.time_since_epoch().count());
  return xml::to_text(copy.root());
}

base::Task<store::StoreResult<void>> Offline::add(std::string bare_jid,
                                                  std::string text,
                                                  store::Timestamp stamp) {
  const api::Host* host = find_host(bare_jid);
  const api::User* user = shard_.find_user(bare_jid);
  if (host == nullptr || (user != nullptr && user->is_temporary())) {
    co_return store::fail(store::Failure::full, "offline storage is off");
  }
  const auto snapshot = shard_.config();
  const config::Options options = snapshot->options("offline", host->options->name);
  const store::OfflineLimits limits(static_cast<std::size_t>(options.integer("messages_max")),
                                    static_cast<std::size_t>(options.integer("bytes_max")));
  store::UserKey key = key_of(bare_jid);
  auto added = co_await host->stores.offline->add(std::move(key), std::move(text), stamp, limits);
  if (!added && added.error().failure != store::Failure::full) {
    log_failure("a message could not be stored", bare_jid, added.error());
  }
  co_return added;
}

base::Task<Fallback> Offline::store_message(std::string bare_jid, const xmpp::Stanza& stanza) {
  const api::Host* host = find_host(bare_jid);
  const Keep keep = may_keep(stanza);
  if (host == nullptr || keep == Keep::no) {
    co_return Fallback::refused;
  }
  if (keep == Keep::silent) {
    co_return Fallback::stored;  // Nobody needs to hear of it.
  }
  const store::Timestamp stamp = store::timestamp_now();
  std::string text = make_text(stanza, *host, stamp);
  std::string user = bare_jid;
  const auto added = co_await add(std::move(user), std::move(text), stamp);
  if (added) {
    came_late(std::move(bare_jid));
    co_return Fallback::stored;
  }
  co_return added.error().failure == store::Failure::full ? Fallback::refused : Fallback::failed;
}

/// A session may have opened, and been given what waits, while the last message was on its way to
/// storage.
void Offline::came_late(std::string bare_jid) {
  if (Flush* flush = find_flush(bare_jid)) {
    flush->has_more = true;
    return;
  }
  if (const api::User* user = shard_.find_user(bare_jid)) {
    for (const auto& session : user->sessions()) {
      if (is_open(*session)) {
        run(begin(std::move(bare_jid), session->resource()).user).start();
        return;
      }
    }
  }
}

// --- Hooks
// -------------------------------------------------------------------------------------------------------------

Verdict Offline::before_process(api::BeforeProcess& context) {
  if (context.user == nullptr) {
    return Verdict::next();
  }
  if (context.stanza.is_presence()) {
    return arm(context);
  }
  Flush* flush = find_flush(context.user->jid().full());
  return flush == nullptr ? Verdict::next() : hold(*flush, context);
}

/// From here on new messages wait, because the presence handler may open the session before it has
/// ended.
Verdict Offline::arm(api::BeforeProcess& context) {
  const api::Session* session = context.user->find_session(context.stanza.from().resource());
  const SessionState* state = session == nullptr ? nullptr : session->state(slot_);
  if (state != nullptr && !state->is_open &&
      context.stanza.presence_type() == xmpp::PresenceType::available &&
      find_flush(context.user->jid().full()) == nullptr &&
      find_host(context.user->jid().full()) != nullptr) {
    begin(std::string(context.user->jid().full()), session->resource());
  }
  return Verdict::next();
}

Verdict Offline::hold(Flush& flush, api::BeforeProcess& context) {
  const xmpp::Stanza& stanza = context.stanza;
  const api::Session* target = context.user->find_session(flush.resource);
  if (target == nullptr || !is_open(*target) || may_keep(stanza) != Keep::yes) {
    return Verdict::next();
  }
  const api::Session* addressed =
      stanza.to().has_resource() ? context.user->find_session(stanza.to().resource()) : nullptr;
  const bool is_for_account =
      !stanza.to().has_resource() || stanza.message_type() == xmpp::MessageType::chat;
  if (addressed == nullptr ? !is_for_account : addressed != target) {
    return Verdict::next();  // RFC 6121 §8.5.3: not a message that this session would get.
  }
  if (flush.phase == Flush::Phase::sending && addressed == nullptr) {
    for (const auto& session : context.user->sessions()) {
      if (session.get() != target && is_open(*session)) {
        return Verdict::next();  // Another resource must not wait for this one's network.
      }
    }
  }
  const api::Host* host = find_host(flush.user);
  if (host == nullptr) {
    return Verdict::next();
  }
  HeldMessage held;
  held.continuation = context.continuation;
  held.stamp = store::timestamp_now();
  held.text = make_text(stanza, *host, held.stamp);
  flush.held = std::move(held);
  shard_.timers().set(flush, 0);
  return Verdict::suspend();
}

Verdict Offline::after_process(api::AfterProcess& context) {
  if (context.user == nullptr) {
    return Verdict::next();
  }
  api::Session* session = context.user->find_session(context.stanza.from().resource());
  SessionState* state = session == nullptr ? nullptr : session->state(slot_);
  if (state == nullptr) {
    return Verdict::next();
  }
  const bool was_open = std::exchange(state->is_open, is_open(*session));
  const std::string_view bare_jid = context.user->jid().full();
  Flush* flush = find_flush(bare_jid);
  if (flush == nullptr && state->is_open && !was_open && find_host(bare_jid) != nullptr) {
    flush = &begin(std::string(bare_jid), session->resource());
  }
  if (flush != nullptr && flush->phase == Flush::Phase::arming &&
      flush->resource == session->resource()) {
    run(flush->user).start();
  }
  return Verdict::next();
}

void Offline::session_started(api::Session& session) {
  session.set_state(slot_, std::make_unique<SessionState>());
}

void Offline::session_ended(api::Session& session) {
  Flush* flush = find_flush(session.user().jid().full());
  if (flush != nullptr && flush->resource == session.resource()) {
    flush->is_abandoned = true;
    shard_.timers().set(*flush, 0);  // Later: this session is still among the user's.
  }
}

// --- Flushing
// ----------------------------------------------------------------------------------------------------------

Flush& Offline::begin(std::string bare_jid, std::string_view resource) {
  auto& slot = flushes_[bare_jid];
  slot = std::make_unique<Flush>(bare_jid, std::string(resource),
                                 [this](Flush& flush) { advance(flush); });
  return *slot;
}

void Offline::advance(Flush& flush) {
  if (flush.phase == Flush::Phase::fetching || flush.is_storing) {
    return;  // What is under way goes on by itself.
  }
  if (flush.phase == Flush::Phase::arming) {
    if (flush.is_abandoned) {
      finish(flush);
    }
    return;
  }
  if (flush.held) {
    HeldMessage held = *std::exchange(flush.held, std::nullopt);
    store_held(flush.user, std::move(held)).start();
    return;
  }
  const api::Session* session = find_session(flush);
  if (flush.is_abandoned || session == nullptr || flush.is_page_sent) {
    run(flush.user).start();
  }
}

base::Task<> Offline::store_held(std::string bare_jid, HeldMessage held) {
  Flush& flush = *find_flush(bare_jid);
  flush.is_storing = true;
  std::string user = bare_jid;
  const auto added = co_await add(std::move(user), std::move(held.text), held.stamp);
  flush.is_storing = false;  // Only run() and advance() end a flush, and both wait for this.
  Verdict verdict = Verdict::handled();
  if (!added) {
    verdict = Verdict::reject(added.error().failure == store::Failure::full
                                  ? StanzaErrorCondition::service_unavailable
                                  : StanzaErrorCondition::resource_constraint);
  }
  shard_.resume_processing(held.continuation, verdict);
  advance(flush);
}

api::Session* Offline::choose_target(Flush& flush) {
  const bool was_abandoned = std::exchange(flush.is_abandoned, false);
  api::Session* session = find_session(flush);
  if (!was_abandoned && session != nullptr && is_open(*session)) {
    return session;
  }
  api::User* user = shard_.find_user(flush.user);
  if (user == nullptr) {
    return nullptr;
  }
  for (const auto& other : user->sessions()) {
    if (is_open(*other)) {
      flush.resource = other->resource();
      return other.get();
    }
  }
  return nullptr;
}

base::Task<> Offline::run(std::string bare_jid) {
  Flush& flush = *find_flush(bare_jid);  // Ended by this task only, once it runs.
  flush.phase = Flush::Phase::fetching;
  const api::Host* host = find_host(bare_jid);
  while (host != nullptr) {
    if (!flush.is_abandoned && flush.written_through > flush.removed_through) {
      store::UserKey key = key_of(bare_jid);
      const auto removed =
          co_await host->stores.offline->remove_through(std::move(key), flush.written_through);
      if (!removed) {
        log_failure("delivered messages could not be removed", bare_jid, removed.error());
        break;
      }
      flush.removed_through = flush.written_through;
    }
    flush.written_through = flush.removed_through;
    if (choose_target(flush) == nullptr) {
      break;
    }
    flush.has_more = false;
    store::UserKey key = key_of(bare_jid);
    auto page = co_await host->stores.offline->fetch(std::move(key), flush.removed_through,
                                                     kPageStanzasMax);
    if (!page) {
      log_failure("what waits could not be read", bare_jid, page.error());
      break;
    }
    if (page->empty() && flush.has_more) {
      continue;
    }
    if (page->empty()) {
      break;
    }
    api::Session* session = flush.is_abandoned ? nullptr : find_session(flush);
    if (session == nullptr || !is_open(*session)) {
      continue;  // It went meanwhile; somebody else may be there.
    }
    write_page(flush, *session, std::move(*page));
    flush.phase = Flush::Phase::sending;
    shard_.timers().set(flush, 0);  // For a held message, and a page of which nothing was written.
    co_return;
  }
  finish(flush);
}

void Offline::write_page(Flush& flush,
                         api::Session& session,
                         std::vector<store::OfflineStanza> page) {
  std::size_t bytes = 0;
  for (const store::OfflineStanza& waiting : page) {
    bytes += waiting.stanza.size();
    if (flush.written_through > flush.removed_through && bytes > kPageBytesMax) {
      break;  // The first one goes in any case.
    }
    if (const auto document = xml::parse_standalone(waiting.stanza)) {
      if (!shard_.deliver(session, document->root())) {
        break;  // It is closing; session_ended() follows.
      }
    } else {
      RONDEL_LOG_ERROR_WITH(shard_.log(), (log::Fields{.jid = flush.user}), "offline.unreadable",
                            "stored message {} is no XML; it is dropped", waiting.id);
    }
    flush.written_through = waiting.id;
  }
  flush.is_page_sent = false;
  shard_.when_sent(session, [this, user = flush.user, through = flush.written_through](bool sent) {
    Flush* waiting = find_flush(user);
    if (sent && waiting != nullptr && waiting->written_through == through) {
      waiting->is_page_sent = true;
      advance(*waiting);
    }
  });
}

void Offline::finish(Flush& flush) {
  // What is resumed may begin another flush of this user.
  auto node = flushes_.extract(flush.user);
  const std::unique_ptr<Flush> ended = std::move(node.mapped());
  if (ended->held) {
    shard_.resume_processing(ended->held->continuation, Verdict::next());
  }
}

}  // namespace rondel::modules::offline
