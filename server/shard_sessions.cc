// Sessions, users and what is known of hosts, on one shard.
#include <algorithm>

#include "base/clock.h"
#include "base/hash.h"
#include "server/connection.h"
#include "server/raw_endpoint.h"
#include "server/shard.h"

namespace rondel::server {

std::uint16_t Shard::home_of(std::string_view bare_jid) const {
  const std::uint16_t count = shard_count();
  return count == 1 ? std::uint16_t{0}
                    : static_cast<std::uint16_t>(base::hash_text(bare_jid) % count);
}

std::chrono::seconds Shard::uptime() const {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() -
                                                          core_.started);
}

const config::InterfaceOptions& Shard::options_of(const Interface& interface) const {
  const config::InterfaceOptions* current = snapshot_->interface(interface.options.name);
  return current != nullptr ? *current : interface.options;
}

base::StanzaLimits Shard::limits_of(const Interface& interface) const {
  base::StanzaLimits limits = base::kClientLimits;
  limits.stanza_bytes_max = options_of(interface).stanza_bytes_max;
  return limits;
}

const api::Host* Shard::find_host(std::string_view name) const {
  for (const auto& host : hosts_) {
    if (host->name == name) {
      return host.get();
    }
  }
  return nullptr;
}

api::DiscoInfo Shard::disco_info(const api::Host& host, bool is_account) const {
  api::DiscoInfo info;
  for (const auto& feature : registry().disco_features) {
    if ((is_account ? feature.for_account : feature.for_host) &&
        serves(feature.module, host.name)) {
      info.features.push_back(feature.name);
    }
  }
  for (const auto& entry : registry().disco_identities) {
    if ((is_account ? entry.for_account : entry.for_host) && serves(entry.module, host.name)) {
      info.identities.push_back(entry.identity);
    }
  }
  std::sort(info.features.begin(), info.features.end());
  info.features.erase(std::unique(info.features.begin(), info.features.end()), info.features.end());
  return info;
}

Connection* Shard::connection(base::ConnectionId id) {
  if (id.shard != index_) {
    return nullptr;
  }
  Endpoint* found = endpoint(id.handle);
  return found == nullptr ? nullptr : found->as_connection();
}

api::Connection* Shard::find_connection(base::ConnectionId id) {
  return connection(id);
}

api::RawConnection* Shard::find_raw(base::ConnectionId id) {
  Endpoint* found = id.shard == index_ ? endpoint(id.handle) : nullptr;
  return found == nullptr ? nullptr : found->as_raw();
}

api::Authenticator* Shard::authenticator(std::string_view name) {
  const auto found = registry().authenticators.find(name);
  return found == registry().authenticators.end()
             ? nullptr
             : &found->second.function(module_state(found->second.module));
}

const std::string& Shard::keep_name(std::string_view name) {
  const auto found = names_.find(name);
  return found != names_.end() ? *found : *names_.emplace(name).first;
}

api::Session* Shard::find_session(xmpp::JidView full_jid) {
  UserEntry* user = router_.find_user(full_jid.bare());
  return user == nullptr ? nullptr : user->find_session(full_jid.resource());
}

void Shard::for_each_session(base::UniqueFunction<void(api::Session&)> function) {
  router_.for_each_user([&](UserEntry& user) {
    for (const auto& session : user.sessions()) {
      function(*session);
    }
  });
}

api::Session* Shard::begin_session(Connection& connection,
                                   const xmpp::Jid& full_jid,
                                   int resources_max) {
  if (api::Session* older = find_session(full_jid)) {
    // RFC 6120 §7.7.2.2: the new one gets the resource, the old one ends.
    if (Connection* holder = this->connection(older->connection())) {
      holder->close(xmpp::StreamErrorCondition::conflict, "the resource was bound anew");
    }
  }
  UserEntry& user = router_.user_for_session(full_jid.view().bare_view());
  if (user.sessions().size() >= static_cast<std::size_t>(resources_max)) {
    return nullptr;
  }
  return &user.add_session(std::make_unique<api::Session>(user, full_jid, connection.id()));
}

void Shard::session_started(api::Session& session) {
  const base::ConnectionId id = session.connection();
  for (const auto& observer : registry().session_started) {
    const Connection* connection = this->connection(id);
    if (connection == nullptr || connection->is_closing()) {
      return;  // The observer before this one has ended the session.
    }
    observer.function(module_state(observer.module), session);
  }
}

void Shard::end_session(api::Session& session) {
  for (const auto& observer : registry().session_ended) {
    observer.function(module_state(observer.module), session);
  }
  auto& user = static_cast<UserEntry&>(session.user());
  user.remove_session(session);
  router_.release(user);
}

void Shard::end_sessions(std::string_view bare_jid,
                         std::string_view except_full_jid,
                         xmpp::StreamErrorCondition condition,
                         std::string_view text) {
  std::vector<base::ConnectionId> ending;
  if (UserEntry* user = router_.find_user(bare_jid)) {
    for (const auto& session : user->sessions()) {
      if (session->jid().full() != except_full_jid) {
        ending.push_back(session->connection());
      }
    }
  }
  for (const base::ConnectionId id : ending) {
    if (Connection* connection = this->connection(id)) {
      connection->close(condition, text);
    }
  }
}

void Shard::post_account_event(const store::UserKey& user,
                               api::AccountEvent event,
                               std::string except_full_jid) {
  const std::uint16_t home = home_of(store::to_text(user));
  if (home == index_) {
    account_event(user, event, except_full_jid);
  } else {
    // Sessions that must end must not live on because a mailbox is full; each event has cost a
    // write to the storage, so that there are never many.
    post_reply(home, [user, event, except_full_jid](api::Shard& shard) {
      static_cast<Shard&>(shard).account_event(user, event, except_full_jid);
    });
  }
}

bool Shard::has_account_changed_since(std::string_view bare_jid, std::uint64_t since_ms) const {
  const auto found = changed_accounts_.find(bare_jid);
  return found != changed_accounts_.end() && found->second >= since_ms;
}

void Shard::remember_change(const std::string& bare_jid) {
  const std::uint64_t now_ms = base::monotonic_ms();
  std::erase_if(changed_accounts_,
                [&](const auto& entry) { return now_ms - entry.second > kUnboundMaxMs; });
  changed_accounts_[bare_jid] = now_ms;
}

void Shard::account_event(const store::UserKey& user,
                          api::AccountEvent event,
                          const std::string& except_full_jid) {
  for (const auto& observer : registry().account_observers) {
    observer.function(module_state(observer.module), user, event);
  }
  const std::string bare_jid = store::to_text(user);
  remember_change(bare_jid);
  switch (event) {
    case api::AccountEvent::removed:
      end_sessions(bare_jid, {}, xmpp::StreamErrorCondition::not_authorized,
                   "the account was removed");
      return;
    case api::AccountEvent::disabled:
      end_sessions(bare_jid, {}, xmpp::StreamErrorCondition::not_authorized,
                   "the account was disabled");
      return;
    case api::AccountEvent::password_changed:
      end_sessions(bare_jid, except_full_jid, xmpp::StreamErrorCondition::reset,
                   "the password was changed");
      return;
  }
}

api::ServerStatus::ShardStatus Shard::status() {
  api::ServerStatus::ShardStatus status;
  status.index = index_;
  // Counters only: a walk through a million sessions would hold up all of them.
  status.connections = endpoints_.size() - raw_endpoints_;
  status.sessions = session_counts_.total();
  for (const SessionCounts::Engine& engine : session_counts_.engines()) {
    if (engine.sessions > 0) {
      status.engines.emplace_back(engine.name, engine.sessions);
    }
  }
  status.users = router_.user_count();
  status.stanzas_received = counters_.stanzas_received;
  status.stanzas_sent = counters_.stanzas_sent;
  status.bytes_received = counters_.bytes_received;
  status.bytes_sent = counters_.bytes_sent;
  status.mailbox_refused = counters_.mailbox_refused;
  const ring::RingCounters& ring = ring_->counters();
  status.loop_turns = ring.turns;
  status.buffers_starved = ring.buffers_starved;
  status.operations = ring.submissions;
  status.completions = ring.completions;
  status.wakes = ring.wakes_sent;
  status.gathers = ring.gathers;
  return status;
}

std::vector<api::SessionStatus> Shard::session_status() {
  std::vector<api::SessionStatus> sessions;
  for_each_session([&](api::Session& session) {
    Connection* connection = this->connection(session.connection());
    if (connection == nullptr) {
      return;
    }
    api::SessionStatus& status = sessions.emplace_back();
    status.jid = session.jid().full();
    status.interface_name = connection->interface_name();
    status.peer = connection->peer().text();
    if (const api::Layer* layer = connection->layer()) {
      status.layer = layer->info().version;
      status.cipher = layer->info().cipher;
      status.engine = layer->info().engine;
    }
    status.mechanism = connection->stream().mechanism();
    status.shard = index_;
    status.is_available = session.is_available();
    status.priority = session.priority();
    status.age = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() -
                                                                  connection->stream().opened_at());
  });
  return sessions;
}

}  // namespace rondel::server
