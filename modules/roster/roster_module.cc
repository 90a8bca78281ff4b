#include "modules/roster/roster_module.h"

#include <memory>
#include <utility>

#include "base/random.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::roster {
namespace {

using store::StoreError;
using xmpp::PresenceType;
using xmpp::StanzaErrorCondition;

store::UserKey key_of(const api::User& user) {
  return {std::string(user.jid().local()), std::string(user.jid().domain())};
}

base::Unexpected<StoreError> gone() {
  return store::fail(store::Failure::unavailable, "the account was removed meanwhile");
}

api::IqReply storage_away() {
  return {StanzaErrorCondition::resource_constraint, "storage is not available"};
}

api::IqReply refused(const EditError& error) {
  return {error.condition, std::string(error.text)};
}

}  // namespace

RosterShard::RosterShard(api::Shard& shard, Slots slots)
    : shard_(shard), slots_(slots), groups_(shard, [this](api::User& user) {
        RosterCache* cache = user.state(slots_.cache);
        return cache != nullptr && cache->is_loaded ? renew_groups(user, *cache) : 0;
      }) {
  shard.provide<api::RosterService>(*this);
}

// --- The service
// -----------------------------------------------------------------------------------------------------

RosterCache& RosterShard::cache_of(api::User& user) {
  if (RosterCache* cache = user.state(slots_.cache)) {
    return *cache;
  }
  return user.set_state(slots_.cache, std::make_unique<RosterCache>());
}

store::RosterStore* RosterShard::store_of(const api::User& user) const {
  const api::Host* host = shard_.find_host(user.jid().domain());
  return host == nullptr ? nullptr : host->stores.rosters;
}

const store::Roster* RosterShard::cached(const api::User& user) const {
  const RosterCache* cache = user.state(slots_.cache);
  return cache != nullptr && cache->is_loaded ? &cache->shown() : nullptr;
}

bool RosterShard::is_interested(const api::Session& session) const {
  return session.state(slots_.interested) != nullptr;
}

base::Task<store::StoreResult<const store::Roster*>> RosterShard::load(api::User& user) {
  RosterCache& cache = cache_of(user);
  if (cache.is_loaded) {
    renew_groups(user, cache);
    co_return &cache.shown();
  }
  {
    auto turn = co_await begin_turn(user);
    if (!turn) {
      co_return base::Unexpected<StoreError>(turn.error());
    }
  }
  // Whoever had the next turn may have run by now.
  const store::Roster* roster = cached(user);
  if (roster == nullptr) {
    co_return gone();
  }
  co_return roster;
}

base::Task<store::StoreResult<api::RosterTurn>> RosterShard::begin_turn(api::User& user) {
  RosterCache& cache = cache_of(user);
  co_await cache.turns.take();
  api::RosterTurn turn(*this, user);
  cache.is_loaded = cache.is_loaded || user.is_temporary();  // An empty one, of no storage.
  if (cache.is_loaded) {
    renew_groups(user, cache);
    co_return std::move(turn);
  }
  store::RosterStore* rosters = store_of(user);
  if (rosters == nullptr) {
    co_return store::fail(store::Failure::unavailable, "no storage holds rosters");
  }
  const std::uint32_t generation = cache.generation;
  store::UserKey key = key_of(user);
  store::StoreResult<store::Roster> roster = co_await rosters->load(std::move(key));
  if (!roster) {
    RONDEL_LOG_ERROR_WITH(shard_.log(), (log::Fields{.jid = user.jid().full()}), "roster.storage",
                          "cannot be read: {}", roster.error().message);
    co_return base::Unexpected<StoreError>(roster.error());
  }
  if (cache.generation != generation) {
    co_return gone();
  }
  cache.roster = std::move(*roster);
  cache.is_loaded = true;
  cache.groups_seen = 0;
  renew_groups(user, cache);
  co_return std::move(turn);
}

const store::Roster& RosterShard::roster_in_turn(api::User& user) {
  return cache_of(user).roster;
}

void RosterShard::end_turn(api::User& user) {
  cache_of(user).turns.end();
}

base::Task<store::StoreResult<void>> RosterShard::change(api::User& user,
                                                         std::vector<store::RosterChange> changes) {
  auto turn = co_await begin_turn(user);
  if (!turn) {
    co_return base::Unexpected<StoreError>(turn.error());
  }
  co_return co_await turn->change(std::move(changes));
}

base::Task<store::StoreResult<void>> RosterShard::change_in_turn(
    api::User& user,
    std::vector<store::RosterChange> changes,
    base::UniqueFunction<void()> before_push) {
  return commit(user, std::move(changes), false, std::move(before_push));
}

base::Task<store::StoreResult<void>> RosterShard::commit(api::User& user,
                                                         std::vector<store::RosterChange> changes,
                                                         bool is_asked_for,
                                                         base::UniqueFunction<void()> before_push) {
  RosterCache& cache = cache_of(user);
  store::RosterStore* rosters = store_of(user);
  if (user.is_temporary()) {
    co_return store::fail(store::Failure::unsupported, "nothing is stored of this user");
  }
  if (rosters == nullptr || !cache.is_loaded) {
    co_return gone();
  }
  const std::uint32_t generation = cache.generation;
  for (store::RosterChange& change : changes) {
    store::normalise_groups(change.item);
  }
  store::UserKey key = key_of(user);
  std::vector<store::RosterChange> stored = changes;
  const store::StoreResult<std::uint64_t> version =
      co_await rosters->change(std::move(key), std::move(stored));
  if (!version) {
    RONDEL_LOG_ERROR_WITH(shard_.log(), (log::Fields{.jid = user.jid().full()}), "roster.storage",
                          "cannot be written: {}", version.error().message);
    co_return base::Unexpected<StoreError>(version.error());
  }
  if (cache.generation != generation) {
    co_return gone();
  }
  const std::vector<RosterPush> pushes = apply(cache, changes, *version, is_asked_for);
  if (before_push) {
    before_push();
  }
  push(user, pushes);
  co_return store::StoreResult<void>();
}

void RosterShard::push(api::User& user, const std::vector<RosterPush>& pushes) {
  for (const RosterPush& one : pushes) {
    const xml::Document document = make_push(one, base::random_token());
    for (const auto& session : user.sessions()) {
      if (is_interested(*session)) {
        shard_.deliver(*session, document.root());
      }
    }
  }
}

// --- Requests of clients
// ---------------------------------------------------------------------------------------------

hooks::Verdict RosterShard::guard(api::AfterInterface& context) {
  const xmpp::Stanza& stanza = context.stanza;
  const bool is_foreign = stanza.is_iq() && stanza.to().has_local() && stanza.to().is_bare() &&
                          !stanza.to().is_bare_of(stanza.from()) && stanza.is_request() &&
                          stanza.payload("query", xmpp::ns::kRoster) != nullptr;
  return is_foreign ? hooks::Verdict::reject(StanzaErrorCondition::forbidden)
                    : hooks::Verdict::next();
}

base::Task<api::IqReply> RosterShard::asked(api::IqRequest request) {
  // §2.1.5, §2.3.3: only the account itself reads and changes its roster.
  if (!request.is_own_account()) {
    co_return api::IqReply(StanzaErrorCondition::forbidden);
  }
  if (request.is_set()) {
    co_return co_await set(std::move(request));
  }
  co_return co_await get(std::move(request));
}

base::Task<api::IqReply> RosterShard::get(api::IqRequest request) {
  api::User* user = shard_.find_user(request.to().bare());
  if (user == nullptr) {
    co_return api::IqReply::none();
  }
  if (request.payload().first_element() != nullptr) {
    co_return api::IqReply(StanzaErrorCondition::bad_request, "a roster get holds no item");
  }
  const auto loaded = co_await load(*user);
  if (!loaded) {
    co_return storage_away();
  }
  api::Session* session = request.session();
  if (session == nullptr) {
    co_return api::IqReply::none();
  }
  if (!is_interested(*session)) {
    session->set_state(slots_.interested, std::make_unique<Interested>());
  }
  const RosterCache& cache = cache_of(*user);
  const std::string mark = cache.view ? cache.view->mark() : std::string();
  xml::Document result = request.make_result();
  const auto known = request.payload().attribute("ver");
  const auto pushes =
      known ? pushes_since(cache.roster, cache.shown(), mark, *known) : std::nullopt;
  if (!pushes) {
    append_roster(result, cache.shown(), mark);
  }
  // Written at once, not routed: no push of a later change may come before it.
  shard_.deliver(*session, result.root());
  if (pushes) {
    for (const RosterPush& one : *pushes) {
      const xml::Document document = make_push(one, base::random_token());
      shard_.deliver(*session, document.root());
    }
  }
  co_return api::IqReply::none();
}

base::Task<api::IqReply> RosterShard::set(api::IqRequest request) {
  api::User* user = shard_.find_user(request.to().bare());
  if (user == nullptr) {
    co_return api::IqReply::none();
  }
  auto edit = parse_roster_edit(request.payload(), user->jid());
  if (!edit) {
    co_return refused(edit.error());
  }
  if (edit->is_removal) {
    co_return co_await remove(std::move(request), std::move(edit->jid));
  }
  auto turn = co_await begin_turn(*user);
  if (!turn) {
    co_return storage_away();
  }
  const RosterCache& cache = cache_of(*user);
  if (const auto* by_group = cache.view ? cache.view->find(edit->jid) : nullptr) {
    *edit = own_part(std::move(*edit), *by_group);
  }
  auto item = edited_item(turn->roster(), *edit);
  if (!item) {
    co_return refused(item.error());
  }
  std::vector<store::RosterChange> changes;
  changes.push_back(store::RosterChange::put(std::move(*item)));
  const auto stored = co_await commit(*user, std::move(changes), true);
  if (!stored) {
    co_return storage_away();
  }
  co_return api::IqReply(request.make_result());
}

base::Task<api::IqReply> RosterShard::remove(api::IqRequest request, std::string contact) {
  api::User* user = shard_.find_user(request.to().bare());
  if (user == nullptr) {
    co_return api::IqReply::none();
  }
  auto turn = co_await begin_turn(*user);
  if (!turn) {
    co_return storage_away();
  }
  if (is_by_group(*user, contact)) {
    co_return api::IqReply(StanzaErrorCondition::not_allowed,
                           "the contact is in one of your groups, which others keep");
  }
  auto removal = plan_removal(turn->roster(), contact);
  if (!removal) {
    co_return refused(removal.error());
  }
  std::vector<store::RosterChange> changes{removal->change};
  const auto stored = co_await commit(*user, std::move(changes), true);
  if (!stored) {
    co_return storage_away();
  }
  tell_contact(*user, *removal);
  co_return api::IqReply(request.make_result());
}

void RosterShard::tell_contact(api::User& user, const RemovalPlan& plan) {
  const auto contact = xmpp::Jid::parse(plan.change.item.jid);
  if (!contact) {
    return;
  }
  if (plan.should_unsubscribe) {
    shard_.route(xmpp::make_presence(PresenceType::unsubscribe, user.jid(), *contact));
  }
  // The contact is told that nobody is there while it still has the subscription (§3.2.2).
  if (plan.should_send_unavailable) {
    for (const auto& session : user.sessions()) {
      if (session->is_available()) {
        shard_.route(xmpp::make_presence(PresenceType::unavailable, session->jid(), *contact));
      }
    }
  }
  if (plan.should_unsubscribed) {
    shard_.route(xmpp::make_presence(PresenceType::unsubscribed, user.jid(), *contact));
  }
}

// --- Stream feature, accounts
// ----------------------------------------------------------------------------------------

void RosterShard::advertise(api::Connection&, xml::Document& features) {
  xml::ElementBuilder(features).child("ver", xmpp::ns::kRosterVersioning);
}

void RosterShard::account_changed(const store::UserKey& key, api::AccountEvent event) {
  if (event != api::AccountEvent::removed) {
    return;
  }
  api::User* user = shard_.find_user(store::to_text(key));
  RosterCache* cache = user == nullptr ? nullptr : user->state(slots_.cache);
  if (cache == nullptr) {
    return;
  }
  ++cache->generation;
  if (cache->is_loaded && cache->view) {
    // Who sees the user by a group alone has no subscription that could end.
    tell_audience(*user, audience_change(cache->shown(), cache->roster));
  }
  cache->view.reset();
  const store::Roster roster = std::exchange(cache->roster, store::Roster());
  if (!std::exchange(cache->is_loaded, false)) {
    return;
  }
  for (const store::RosterItem& item : roster.items) {
    RemovalPlan plan = plan_removal(item);
    plan.should_unsubscribed = plan.should_unsubscribed || !item.pending_in.empty();
    tell_contact(*user, plan);
  }
}

}  // namespace rondel::modules::roster
