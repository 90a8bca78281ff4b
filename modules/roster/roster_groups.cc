// What groups of a storage make of a roster.
#include <memory>
#include <utility>

#include "modules/roster/roster_module.h"

namespace rondel::modules::roster {

using xmpp::PresenceType;

bool RosterShard::is_by_group(const api::User& user, std::string_view contact) const {
  const RosterCache* cache = user.state(slots_.cache);
  return cache != nullptr && cache->view && cache->view->find(contact) != nullptr;
}

std::vector<RosterPush> RosterShard::apply(RosterCache& cache,
                                           const std::vector<store::RosterChange>& changes,
                                           std::uint64_t version,
                                           bool is_asked_for) {
  if (!cache.view) {
    std::vector<RosterPush> pushes = pushes_of(cache.roster, changes, version, is_asked_for);
    apply_changes(cache.roster, changes, version);
    return pushes;
  }
  apply_changes(cache.roster, changes, version);
  const store::Roster before = cache.view->renew(cache.roster);
  std::vector<std::string> jids;
  for (const store::RosterChange& change : changes) {
    jids.push_back(change.item.jid);
  }
  return pushes_between(before, cache.view->roster(), jids, cache.view->mark(), is_asked_for);
}

std::size_t RosterShard::renew_groups(api::User& user, RosterCache& cache) {
  if (cache.groups_seen == groups_.generation()) {
    return 0;
  }
  cache.groups_seen = groups_.generation();
  const store::HostGroups* groups = groups_.of(user.jid().domain());
  if (groups == nullptr || user.is_temporary()) {
    return 0;
  }
  const std::string local(user.jid().local());
  const std::uint64_t digest = groups->digest_of(local);
  if (digest == (cache.view ? cache.view->digest() : 0)) {
    return 0;
  }
  std::vector<store::GroupContact> contacts = groups->contacts_of(local);
  const std::unique_ptr<GroupView> old = std::exchange(cache.view, nullptr);
  if (!contacts.empty()) {
    cache.view = std::make_unique<GroupView>(cache.roster, std::move(contacts), digest);
  }
  const std::vector<store::GroupContact> none;
  const store::Roster& before = old ? old->roster() : cache.roster;
  const std::vector<std::string> jids =
      jids_of(old ? old->contacts() : none, cache.view ? cache.view->contacts() : none);
  if (!user.sessions().empty()) {
    std::vector<RosterPush> pushes = pushes_between(
        before, cache.shown(), jids, cache.view ? cache.view->mark() : std::string(), false);
    // With the last of them the client knows all of the new groups, and not before.
    for (std::size_t i = 0; i + 1 < pushes.size(); ++i) {
      pushes[i].mark = old ? old->mark() : std::string();
    }
    push(user, pushes);
    tell_audience(user, audience_change(before, cache.shown()));
  }
  return jids.size();
}

void RosterShard::tell_audience(const api::User& user, const AudienceChange& change) {
  for (const auto& session : user.sessions()) {
    if (!session->is_available()) {
      continue;
    }
    if (!change.gained.empty()) {
      shard_.route_copies(session->presence(), change.gained);
    }
    if (!change.lost.empty()) {
      const xml::Document gone = xmpp::make_presence(PresenceType::unavailable, session->jid(), {});
      shard_.route_copies(gone, change.lost);
    }
  }
}

}  // namespace rondel::modules::roster
