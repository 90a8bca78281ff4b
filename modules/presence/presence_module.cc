#include "modules/presence/presence_module.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "modules/presence/presence_rules.h"
#include "xml/parser.h"
#include "xmpp/datetime.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::presence {
namespace {

using api::Outbound;
using api::Outcome;
using xmpp::PresenceType;
using xmpp::StanzaErrorCondition;

std::int64_t wall_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             base::wall_clock_now().time_since_epoch())
      .count();
}

bool is_available(const api::User& user) {
  return std::ranges::any_of(user.sessions(),
                             [](const auto& session) { return session->is_available(); });
}

/// Probes those of `contacts`, all at home on `shard`, that have a resource to answer: of the
/// others this server knows already that they are not there.
void probe_available(api::Shard& shard,
                     const xmpp::Jid& from,
                     const std::vector<std::string>& contacts) {
  for (const std::string& contact : contacts) {
    const api::User* user = shard.find_user(contact);
    if (user != nullptr && is_available(*user)) {
      shard.route(xmpp::make_presence(PresenceType::probe, from, user->jid()));
    }
  }
}

/// Source: RFC 6121 §4.3.2.1.
xml::Document with_id(xml::Document presence, std::string_view id) {
  if (!id.empty()) {
    presence.root().set_attribute(presence.arena(), "id", id);
  }
  return presence;
}

}  // namespace

void PresenceShard::started() {
  roster_ = shard_.service<api::RosterService>();
  RONDEL_CHECK(roster_ != nullptr);
}

void PresenceShard::advertise(api::Connection&, xml::Document& features) {
  xml::ElementBuilder(features).child("sub", xmpp::ns::kPreApproval);
}

PresenceSession& PresenceShard::state_of_session(api::Session& session) {
  if (PresenceSession* state = session.state(slot_)) {
    return *state;
  }
  return session.set_state(slot_, std::make_unique<PresenceSession>());
}

void PresenceShard::send_copy(const xml::Document& presence, std::string_view to) {
  xml::Document copy = presence.clone();
  copy.root().set_attribute(copy.arena(), "to", to);
  shard_.route(std::move(copy));
}

// --- What sessions send
// ----------------------------------------------------------------------------------------------

base::Task<Outbound> PresenceShard::outbound(std::string, xmpp::Stanza& stanza) {
  const bool is_broadcast = stanza.to().is_empty();
  switch (stanza.presence_type()) {
    case PresenceType::available:
      if (is_broadcast) {
        co_await announce(stanza);
        co_return Outbound::done;
      }
      [[fallthrough]];
    case PresenceType::unavailable: {
      api::Session* session = shard_.find_session(stanza.from());
      if (session == nullptr) {
        co_return Outbound::done;
      }
      if (!is_broadcast) {
        co_return direct(*session, stanza);
      }
      const xml::Document presence = stanza.document().clone();
      withdraw(*session, presence, true);
      co_return Outbound::done;
    }
    case PresenceType::subscribe:
    case PresenceType::subscribed:
    case PresenceType::unsubscribe:
    case PresenceType::unsubscribed:
      co_await send_subscription(stanza);
      co_return Outbound::done;
    case PresenceType::probe:
    case PresenceType::error:
      break;
  }
  co_return is_broadcast ? Outbound::done : Outbound::route;
}

/// RFC 6121 §4.2.2, §4.4.2.
base::Task<> PresenceShard::announce(xmpp::Stanza& stanza) {
  api::Session* session = shard_.find_session(stanza.from());
  if (session == nullptr) {
    co_return;
  }
  const auto priority = check_available(stanza.root());
  if (!priority) {
    shard_.bounce(stanza, StanzaErrorCondition::bad_request, priority.error());
    co_return;
  }
  xml::Document presence = stanza.document().clone();
  if (presence.arena().bytes_held() > kPresenceBytesMax) {
    shard_.bounce(stanza, StanzaErrorCondition::policy_violation, "the presence is too long");
    co_return;
  }
  api::User& user = session->user();
  const base::ConnectionId connection = session->connection();
  const auto roster = co_await roster_->load(user);
  if (!roster) {
    shard_.bounce(stanza, StanzaErrorCondition::resource_constraint, "storage is not available");
    co_return;
  }
  session = shard_.find_session(stanza.from());
  if (session == nullptr || session->connection() != connection) {
    co_return;  // It ended meanwhile, and perhaps another one has its resource.
  }
  const bool is_initial = !session->is_available();
  session->set_available(presence.root(), *priority);
  state_of_session(*session).announced(wall_clock_ms());
  shard_.route_copies(presence, audience(**roster, *session));
  for (const auto& own : user.sessions()) {
    if (own->is_available()) {
      shard_.deliver(*own, presence.root());
    }
  }
  if (is_initial) {
    welcome(*session, **roster);
  }
}

std::vector<std::string_view> PresenceShard::audience(const store::Roster& roster,
                                                      const api::Session& session) const {
  const PresenceSession* state = session.state(slot_);
  std::vector<std::string_view> contacts;
  contacts.reserve(roster.items.size());
  for (const store::RosterItem& item : roster.items) {
    if (state_of(&item).has_from() && !(state != nullptr && state->leaves_out(item.jid))) {
      contacts.push_back(item.jid);
    }
  }
  return contacts;
}

/// RFC 6121 §4.5.2, §4.6.3.
void PresenceShard::withdraw(api::Session& session,
                             const xml::Document& presence,
                             bool should_echo) {
  const bool was_available = session.is_available();
  PresenceSession* state = session.state(slot_);
  std::vector<std::string_view> contacts;
  const store::Roster* roster = roster_->cached(session.user());
  if (was_available && roster != nullptr) {
    contacts = audience(*roster, session);
    shard_.route_copies(presence, contacts);
  }
  if (state != nullptr) {
    for (const std::string& address : state->directed().all()) {
      const std::string_view bare = std::string_view(address).substr(0, address.find('/'));
      // Items are sorted, and so are the contacts among them.
      if (!std::ranges::binary_search(contacts, bare, std::less<>())) {
        send_copy(presence, address);
      }
    }
    state->withdrawn();
  }
  if (was_available) {
    for (const auto& own : session.user().sessions()) {
      if (own->is_available() && (should_echo || own.get() != &session)) {
        shard_.deliver(*own, presence.root());
      }
    }
  }
  session.set_unavailable();
}

void PresenceShard::session_ended(api::Session& session) {
  if (session.is_available() || session.state(slot_) != nullptr) {
    const xml::Document presence =
        xmpp::make_presence(PresenceType::unavailable, session.jid(), {});
    withdraw(session, presence, false);
  }
}

/// RFC 6121 §4.6.3.
Outbound PresenceShard::direct(api::Session& session, const xmpp::Stanza& stanza) {
  PresenceSession& state = state_of_session(session);
  const xmpp::JidView to = stanza.to();
  if (stanza.presence_type() == PresenceType::unavailable) {
    const store::Roster* roster = roster_->cached(session.user());
    const bool is_covered = session.is_available() && roster != nullptr &&
                            state_of(api::find_item(*roster, to.bare())).has_from();
    state.directed_unavailable(to, is_covered);
  } else if (to.bare() != session.jid().bare() && !state.directed_available(to)) {
    shard_.bounce(stanza, StanzaErrorCondition::policy_violation,
                  "too many addresses have been sent presence");
    return Outbound::done;
  }
  return Outbound::route;
}

// --- A resource that has just become available
// -----------------------------------------------------------------------

void PresenceShard::welcome(api::Session& session, const store::Roster& roster) {
  for (const auto& own : session.user().sessions()) {
    if (own.get() != &session && own->is_available()) {
      const xml::Document presence = own->presence();
      shard_.deliver(session, presence.root());
    }
  }
  probe_contacts(session, roster);
  deliver_requests(session, roster);
}

/// RFC 6121 §4.3.1: other servers are asked from the bare JID. Accounts of this server are asked
/// from the full one, so that the answers go to this resource alone; nobody sees these probes.
void PresenceShard::probe_contacts(const api::Session& session, const store::Roster& roster) {
  std::vector<std::vector<std::string>> by_shard(shard_.shard_count());
  for (const store::RosterItem& item : roster.items) {
    if (!state_of(&item).has_to()) {
      continue;
    }
    const auto contact = xmpp::Jid::parse(item.jid);
    if (contact && contact->has_local() && shard_.find_host(contact->domain()) != nullptr) {
      by_shard[shard_.home_of(item.jid)].push_back(item.jid);
    } else if (contact) {
      shard_.route(xmpp::make_presence(PresenceType::probe, session.jid().bare_view(), *contact));
    }
  }
  const xmpp::Jid from(session.jid());
  for (std::uint16_t home = 0; home < by_shard.size(); ++home) {
    if (by_shard[home].empty()) {
      continue;
    }
    if (home == shard_.index()) {
      probe_available(shard_, from, by_shard[home]);
    } else if (!shard_.try_post(home,
                                [from, contacts = std::move(by_shard[home])](api::Shard& there) {
                                  probe_available(there, from, contacts);
                                })) {
      RONDEL_LOG_ERROR_WITH(shard_.log(), (log::Fields{.jid = session.jid().full()}),
                            "presence.probe-lost", "shard {} is too busy to be asked", home);
    }
  }
}

/// RFC 6121 §3.1.3: again at each initial presence, until the user answers.
void PresenceShard::deliver_requests(api::Session& session, const store::Roster& roster) {
  for (const store::RosterItem& item : roster.items) {
    if (item.pending_in.empty()) {
      continue;
    }
    if (auto request = xml::parse_standalone(item.pending_in)) {
      shard_.deliver(session, request->root());
    } else if (const auto contact = xmpp::Jid::parse(item.jid)) {
      const xml::Document plain =
          xmpp::make_presence(PresenceType::subscribe, *contact, session.jid().bare_view());
      shard_.deliver(session, plain.root());
    }
  }
}

// --- What comes for an account
// ---------------------------------------------------------------------------------------

base::Task<Outcome> PresenceShard::inbound(std::string bare_jid, xmpp::Stanza& stanza) {
  api::User* user = shard_.find_user(bare_jid);
  if (user == nullptr) {
    co_return Outcome::dropped;
  }
  switch (stanza.presence_type()) {
    case PresenceType::available:
    case PresenceType::unavailable:
      break;
    case PresenceType::error:
      if (stanza.to().has_resource()) {
        api::Session* session = user->find_session(stanza.to().resource());
        const bool is_delivered = session != nullptr && shard_.deliver(*session, stanza.root());
        co_return is_delivered ? Outcome::delivered : Outcome::dropped;
      }
      break;
    case PresenceType::probe:
      co_return co_await probed(*user, stanza);
    case PresenceType::subscribe:
    case PresenceType::subscribed:
    case PresenceType::unsubscribe:
    case PresenceType::unsubscribed:
      co_return co_await receive_subscription(*user, stanza);
  }
  co_return deliver_to_available(*user, stanza);
}

/// RFC 6121 §8.5.2.1.2.
Outcome PresenceShard::deliver_to_available(const api::User& user, const xmpp::Stanza& stanza) {
  Outcome outcome = Outcome::dropped;
  for (const auto& session : user.sessions()) {
    if (session->is_available() && shard_.deliver(*session, stanza.root())) {
      outcome = Outcome::delivered;
    }
  }
  return outcome;
}

/// RFC 6121 §4.3.2, §4.6.6.
base::Task<Outcome> PresenceShard::probed(api::User& user, xmpp::Stanza& stanza) {
  const auto roster = co_await roster_->load(user);
  if (!roster) {
    co_return Outcome::dropped;
  }
  const store::RosterItem* item = api::find_item(**roster, stanza.from().bare());
  const xmpp::SubscriptionState state = state_of(item);
  if (state.has_from() || stanza.from().has_bare_of(user.jid())) {
    co_return answer_probe(user, stanza);
  }
  co_return refuse_probe(user, stanza, state.is_pending_in);
}

Outcome PresenceShard::answer_probe(const api::User& user, const xmpp::Stanza& probe) {
  bool is_anybody_there = false;
  for (const auto& session : user.sessions()) {
    const PresenceSession* state = session->state(slot_);
    if (!session->is_available() || (state != nullptr && state->leaves_out(probe.from().bare())) ||
        (probe.to().has_resource() && session->resource() != probe.to().resource())) {
      continue;
    }
    is_anybody_there = true;
    xml::Document answer = session->presence();
    if (probe.to().has_resource()) {
      // Who asks after one resource learns that it is there, and no details.
      shard_.route(
          with_id(xmpp::make_presence(PresenceType::available, session->jid(), probe.from()),
                  answer.root().attribute_or("id", {})));
      continue;
    }
    answer.root().set_attribute(answer.arena(), "to", probe.from().full());
    xml::ElementBuilder(answer)
        .child("delay", xmpp::ns::kDelay)
        .attribute("from", session->jid().full())
        .attribute("stamp", xmpp::format_datetime(state != nullptr ? state->announced_ms() : 0));
    shard_.route(std::move(answer));
  }
  if (!is_anybody_there) {
    shard_.route(with_id(xmpp::make_presence(PresenceType::unavailable, probe.to(), probe.from()),
                         probe.id()));
  }
  return Outcome::handled;
}

/// Who was sent directed presence may ask after it; nobody else learns whether the account exists,
/// because `unsubscribed` changes only what a subscriber sees (and not a request that waits).
Outcome PresenceShard::refuse_probe(const api::User& user,
                                    const xmpp::Stanza& probe,
                                    bool is_waiting) {
  bool is_answered = false;
  for (const auto& session : user.sessions()) {
    const PresenceSession* state = session->state(slot_);
    if (state != nullptr && state->was_directed_to(probe.from()) &&
        (!probe.to().has_resource() || session->resource() == probe.to().resource())) {
      shard_.route(with_id(
          xmpp::make_presence(PresenceType::available, session->jid(), probe.from()), probe.id()));
      is_answered = true;
    }
  }
  if (!is_answered && !is_waiting) {
    shard_.route(with_id(
        xmpp::make_presence(PresenceType::unsubscribed, user.jid(), probe.from().bare_view()),
        probe.id()));
    return Outcome::handled;
  }
  return is_answered ? Outcome::handled : Outcome::dropped;
}

}  // namespace rondel::modules::presence
