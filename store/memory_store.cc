#include "store/memory_store.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace rondel::store {
namespace {

std::pair<std::string, std::string> key_of(const UserKey& user) {
  return {user.host, user.local};
}

base::Unexpected<StoreError> no_account(const UserKey& user) {
  return fail(Failure::not_found, "there is no account " + to_text(user));
}

void order_credentials(CredentialSet& set) {
  std::ranges::sort(set.scram, {}, &ScramCredential::hash);
}

void drop_removal(Roster& roster, const std::string& jid) {
  std::erase_if(roster.removals, [&](const RosterRemoval& one) { return one.jid == jid; });
}

void add_removal(Roster& roster, const std::string& jid) {
  drop_removal(roster, jid);
  roster.removals.push_back({jid, roster.version});
  if (roster.removals.size() > kRosterRemovalsMax) {
    roster.complete_since = roster.removals.front().version;
    roster.removals.erase(roster.removals.begin());
  }
}

void apply(Roster& roster, const RosterChange& change) {
  const std::string& jid = change.item.jid;
  const auto at = std::ranges::lower_bound(roster.items, jid, {}, &RosterItem::jid);
  const bool is_there = at != roster.items.end() && at->jid == jid;
  const bool was_listed = is_there && at->is_listed;
  if (change.kind == RosterChange::Kind::remove) {
    if (is_there) {
      roster.items.erase(at);
    }
  } else {
    RosterItem item = change.item;
    item.version = roster.version;
    if (is_there) {
      *at = std::move(item);
    } else {
      roster.items.insert(at, std::move(item));
    }
  }
  const bool is_listed = change.kind == RosterChange::Kind::put && change.item.is_listed;
  if (is_listed) {
    drop_removal(roster, jid);
  } else if (was_listed) {
    add_removal(roster, jid);
  }
}

}  // namespace

MemoryStore::MemoryStore(MemoryStorage::Fault fault) : fault_(std::move(fault)) {
}

void MemoryStore::process(WorkBatch& batch) {
  for (const auto& request : batch) {
    std::optional<StoreError> error;
    if (fault_) {
      error = fault_(request->operation());
    }
    if (error) {
      request->refuse(*std::move(error));
    } else {
      request->perform(*this);
    }
  }
}

StoreResult<void> MemoryStore::erase_user(const UserKey& user) {
  const Key key = key_of(user);
  if (const auto found = accounts_.find(key); found != accounts_.end()) {
    for (const Binding& binding : found->second.credentials.bindings) {
      bound_.erase({user.host, binding});
    }
    accounts_.erase(found);
  }
  rosters_.erase(key);
  offline_.erase(key);
  values_.erase(key);
  return {};
}

StoreResult<std::vector<UserKey>> MemoryStore::owners(const std::string& host,
                                                      const std::string& after_local,
                                                      std::size_t limit) {
  std::set<std::string> names;
  const auto collect = [&](const auto& map) {
    for (auto at = map.upper_bound({host, after_local}); at != map.end() && at->first.first == host;
         ++at) {
      names.insert(at->first.second);
    }
  };
  collect(accounts_);
  collect(rosters_);
  collect(offline_);
  collect(values_);
  std::vector<UserKey> page;
  for (const std::string& name : names) {
    if (page.size() < limit) {
      page.emplace_back(name, host);
    }
  }
  return page;
}

StoreResult<Account> MemoryStore::lookup(const UserKey& user) {
  const auto found = accounts_.find(key_of(user));
  if (found == accounts_.end()) {
    return no_account(user);
  }
  return found->second.account;
}

StoreResult<AccountWithCredentials> MemoryStore::credentials(const UserKey& user) {
  const auto found = accounts_.find(key_of(user));
  if (found == accounts_.end()) {
    return no_account(user);
  }
  return AccountWithCredentials{found->second.account, found->second.credentials};
}

bool MemoryStore::insert(const UserKey& user, const CredentialSet& credentials) {
  const Timestamp now = timestamp_now();
  Record record{{user, AccountState::active, now, now}, credentials};
  order_credentials(record.credentials);
  return accounts_.try_emplace(key_of(user), std::move(record)).second;
}

StoreResult<void> MemoryStore::create(const UserKey& user, const CredentialSet& credentials) {
  if (!insert(user, credentials)) {
    return fail(Failure::conflict, "the account " + to_text(user) + " exists already");
  }
  return {};
}

StoreResult<ImportOutcome> MemoryStore::create_many(const std::vector<NewUser>& users) {
  ImportOutcome outcome;
  for (const NewUser& user : users) {
    if (insert(user.user, user.credentials)) {
      ++outcome.created;
    } else {
      outcome.existing.push_back(user.user);
    }
  }
  return outcome;
}

StoreResult<void> MemoryStore::set_credentials(const UserKey& user,
                                               const CredentialSet& credentials) {
  const auto found = accounts_.find(key_of(user));
  if (found == accounts_.end()) {
    return no_account(user);
  }
  found->second.credentials.scram = credentials.scram;
  order_credentials(found->second.credentials);
  found->second.account.password_changed = timestamp_now();
  return {};
}

StoreResult<void> MemoryStore::set_state(const UserKey& user, AccountState state) {
  const auto found = accounts_.find(key_of(user));
  if (found == accounts_.end()) {
    return no_account(user);
  }
  found->second.account.state = state;
  return {};
}

StoreResult<void> MemoryStore::remove(const UserKey& user) {
  if (!accounts_.contains(key_of(user))) {
    return no_account(user);
  }
  return erase_user(user);
}

StoreResult<std::vector<Account>> MemoryStore::list(const std::string& host,
                                                    const std::string& after_local,
                                                    std::size_t limit) {
  std::vector<Account> page;
  for (auto at = accounts_.upper_bound({host, after_local});
       at != accounts_.end() && at->first.first == host && page.size() < limit; ++at) {
    page.push_back(at->second.account);
  }
  return page;
}

StoreResult<std::uint64_t> MemoryStore::count(const std::string& host) {
  std::uint64_t count = 0;
  for (auto at = accounts_.lower_bound({host, ""});
       at != accounts_.end() && at->first.first == host; ++at) {
    ++count;
  }
  return count;
}

StoreResult<void> MemoryStore::bind(const UserKey& user, const Binding& binding) {
  const auto found = accounts_.find(key_of(user));
  if (found == accounts_.end()) {
    return no_account(user);
  }
  const auto [at, is_new] = bound_.try_emplace({user.host, binding}, user.local);
  if (!is_new) {
    if (at->second != user.local) {
      return fail(Failure::conflict, "another account has this binding");
    }
    return {};
  }
  std::vector<Binding>& bindings = found->second.credentials.bindings;
  if (bindings.size() >= kBindingsMax) {
    bound_.erase(at);
    return fail(Failure::full, "the limit of bindings of " + to_text(user) + " is reached");
  }
  bindings.insert(std::ranges::lower_bound(bindings, binding), binding);
  return {};
}

StoreResult<void> MemoryStore::unbind(const UserKey& user, const Binding& binding) {
  const auto found = accounts_.find(key_of(user));
  if (found == accounts_.end()) {
    return no_account(user);
  }
  if (std::erase(found->second.credentials.bindings, binding) == 0) {
    return fail(Failure::not_found, to_text(user) + " has no such binding");
  }
  bound_.erase({user.host, binding});
  return {};
}

StoreResult<std::vector<UserKey>> MemoryStore::find_bound(const std::string& host,
                                                          const Binding& binding) {
  std::vector<UserKey> users;
  if (const auto found = bound_.find({host, binding}); found != bound_.end()) {
    users.emplace_back(found->second, host);
  }
  return users;
}

StoreResult<void> MemoryStore::restore(const AccountWithCredentials& account) {
  const UserKey& user = account.account.user;
  for (const Binding& binding : account.credentials.bindings) {
    if (bound_.contains({user.host, binding})) {
      return fail(Failure::conflict, "another account has a binding of " + to_text(user));
    }
  }
  for (const Binding& binding : account.credentials.bindings) {
    bound_.emplace(std::pair(user.host, binding), user.local);
  }
  accounts_.insert_or_assign(key_of(user), Record{account.account, account.credentials});
  return {};
}

StoreResult<void> MemoryStore::restore(const UserKey& user, const Roster& roster) {
  rosters_.insert_or_assign(key_of(user), roster);
  return {};
}

StoreResult<std::vector<KeyValue>> MemoryStore::list(const UserKey& user) {
  std::vector<KeyValue> all;
  if (const auto found = values_.find(key_of(user)); found != values_.end()) {
    for (const auto& [key, value] : found->second) {
      all.push_back({key.first, key.second, value});
    }
  }
  return all;
}

StoreResult<Roster> MemoryStore::load(const UserKey& user) {
  const auto found = rosters_.find(key_of(user));
  return found == rosters_.end() ? Roster{} : found->second;
}

StoreResult<std::uint64_t> MemoryStore::change(const UserKey& user,
                                               const std::vector<RosterChange>& changes) {
  Roster& roster = rosters_[key_of(user)];
  if (roster.version == 0) {
    // Counting from the clock keeps versions growing across a removal of the account.
    roster.version = first_roster_version();
    roster.complete_since = roster.version;
  } else {
    ++roster.version;
  }
  for (const RosterChange& change : changes) {
    apply(roster, change);
  }
  return roster.version;
}

StoreResult<void> MemoryStore::add(const UserKey& user,
                                   const std::string& stanza,
                                   Timestamp stamp,
                                   OfflineLimits limits) {
  auto& waiting = offline_[key_of(user)];
  std::size_t bytes = stanza.size();
  for (const auto& [id, one] : waiting) {
    bytes += one.stanza.size();
  }
  if (waiting.size() >= limits.count_max || bytes > limits.bytes_max) {
    return fail(Failure::full, "the limit of offline stanzas of " + to_text(user) + " is reached");
  }
  const std::uint64_t id = ++offline_id_;
  waiting.emplace(id, OfflineStanza{id, stamp, stanza});
  return {};
}

StoreResult<std::vector<OfflineStanza>> MemoryStore::fetch(const UserKey& user,
                                                           std::uint64_t after_id,
                                                           std::size_t limit) {
  std::vector<OfflineStanza> page;
  if (const auto found = offline_.find(key_of(user)); found != offline_.end()) {
    for (auto at = found->second.upper_bound(after_id);
         at != found->second.end() && page.size() < limit; ++at) {
      page.push_back(at->second);
    }
  }
  return page;
}

StoreResult<void> MemoryStore::remove_through(const UserKey& user, std::uint64_t id) {
  if (const auto found = offline_.find(key_of(user)); found != offline_.end()) {
    found->second.erase(found->second.begin(), found->second.upper_bound(id));
  }
  return {};
}

StoreResult<void> MemoryStore::remove(const UserKey& user, const std::vector<std::uint64_t>& ids) {
  if (const auto found = offline_.find(key_of(user)); found != offline_.end()) {
    for (const std::uint64_t id : ids) {
      found->second.erase(id);
    }
  }
  return {};
}

StoreResult<std::uint64_t> MemoryStore::count(const UserKey& user) {
  const auto found = offline_.find(key_of(user));
  return found == offline_.end() ? std::uint64_t{0} : std::uint64_t{found->second.size()};
}

StoreResult<std::string> MemoryStore::get(const UserKey& user,
                                          const std::string& space,
                                          const std::string& key) {
  if (const auto found = values_.find(key_of(user)); found != values_.end()) {
    if (const auto value = found->second.find({space, key}); value != found->second.end()) {
      return value->second;
    }
  }
  return fail(Failure::not_found, "no value '" + key + "' of " + to_text(user));
}

StoreResult<void> MemoryStore::put(const UserKey& user,
                                   const std::string& space,
                                   const std::string& key,
                                   const std::string& value) {
  values_[key_of(user)].insert_or_assign({space, key}, value);
  return {};
}

StoreResult<void> MemoryStore::remove(const UserKey& user,
                                      const std::string& space,
                                      const std::string& key) {
  if (const auto found = values_.find(key_of(user)); found != values_.end()) {
    found->second.erase({space, key});
  }
  return {};
}

}  // namespace rondel::store
