#include "modules/store-postgresql/users.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "store/column_values.h"

namespace rondel::modules::store_postgresql {
namespace {

using store::Account;
using store::AccountState;
using store::fail;
using store::Failure;
using store::hash_of;
using store::kind_of;
using store::number_of;
using store::ScramHash;
using store::state_of;
using store::time_of;
using store::Timestamp;
using store::UserKey;

// Credentials are parts 1 to 3 of an account, bindings come after this.
constexpr std::int64_t kFirstBinding = 100;

base::Unexpected<StoreError> no_account(const UserKey& user) {
  return fail(Failure::not_found, "there is no account " + to_text(user));
}

Account account_of(const UserKey& user, const Rows& rows, std::size_t row, int column) {
  return {user, state_of(rows.integer(row, column)), time_of(rows.integer(row, column + 1)),
          time_of(rows.integer(row, column + 2))};
}

/// Five arrays: hashes, iterations, salts, stored keys, server keys.
void add_keys(Query& query, const store::CredentialSet& credentials) {
  std::vector<std::int64_t> hashes;
  std::vector<std::int64_t> iterations;
  std::vector<std::string> salts;
  std::vector<std::string> stored;
  std::vector<std::string> server;
  for (const store::ScramCredential& scram : credentials.scram) {
    hashes.push_back(number_of(scram.hash));
    iterations.push_back(scram.iterations);
    salts.push_back(scram.salt);
    stored.push_back(scram.stored_key);
    server.push_back(scram.server_key);
  }
  query.integers(hashes).integers(iterations);
  query.byte_strings(salts).byte_strings(stored).byte_strings(server);
}

Query insertion_of(const UserKey& user,
                   const store::CredentialSet& credentials,
                   AccountState state,
                   Timestamp created,
                   Timestamp changed) {
  Query query(
      "WITH made AS (INSERT INTO account VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
      " RETURNING 1), keys AS (INSERT INTO scram_credential SELECT $1, $2, k.* FROM made,"
      " unnest($6, $7, $8, $9, $10) AS k) SELECT count(*) FROM made");
  query.text(user.host).text(user.local).integer(number_of(state));
  query.integer(number_of(created)).integer(number_of(changed));
  add_keys(query, credentials);
  return query;
}

}  // namespace

StoreResult<Account> Users::lookup(const UserKey& user) {
  Query query(
      "SELECT state, created, password_changed FROM account WHERE host = $1 AND local = $2");
  RONDEL_TRY(const Rows rows, run(query.text(user.host).text(user.local)));
  if (rows.size() == 0) {
    return no_account(user);
  }
  return account_of(user, rows, 0, 0);
}

StoreResult<store::AccountWithCredentials> Users::credentials(const UserKey& user) {
  // One statement sees one moment.
  Query query(
      "SELECT 0 AS part, state, created, password_changed, NULL::bytea AS value,"
      " NULL::bytea, NULL::bytea, NULL::text COLLATE \"C\" AS name"
      " FROM account WHERE host = $1 AND local = $2"
      " UNION ALL SELECT hash, 0, iterations, 0, salt, stored_key, server_key, NULL"
      " FROM scram_credential WHERE host = $1 AND local = $2"
      " UNION ALL SELECT 100 + kind, 0, 0, 0, NULL, NULL, NULL, value FROM binding"
      " WHERE host = $1 AND local = $2 ORDER BY part, name");
  RONDEL_TRY(const Rows rows, run(query.text(user.host).text(user.local)));
  if (rows.size() == 0) {
    return no_account(user);
  }
  store::AccountWithCredentials found;
  found.account = account_of(user, rows, 0, 1);
  for (std::size_t row = 1; row < rows.size(); ++row) {
    const std::int64_t part = rows.integer(row, 0);
    if (part > kFirstBinding) {
      RONDEL_TRY(const store::BindingKind kind, kind_of(part - kFirstBinding));
      found.credentials.bindings.emplace_back(kind, rows.bytes(row, 7));
    } else {
      RONDEL_TRY(const ScramHash hash, hash_of(part));
      found.credentials.scram.push_back({hash, static_cast<std::uint32_t>(rows.integer(row, 2)),
                                         rows.bytes(row, 4), rows.bytes(row, 5),
                                         rows.bytes(row, 6)});
    }
  }
  return found;
}

StoreResult<void> Users::create(const UserKey& user, const store::CredentialSet& credentials) {
  const Timestamp now = store::timestamp_now();
  RONDEL_TRY(const Rows rows, run(insertion_of(user, credentials, AccountState::active, now, now)));
  if (rows.integer(0, 0) == 0) {
    return fail(Failure::conflict, "the account " + to_text(user) + " exists already");
  }
  return {};
}

StoreResult<store::ImportOutcome> Users::create_many(const std::vector<store::NewUser>& users) {
  constexpr std::size_t kAtOnce = 1000;
  const Timestamp now = store::timestamp_now();
  store::ImportOutcome outcome;
  for (std::size_t begin = 0; begin < users.size(); begin += kAtOnce) {
    const std::size_t end = std::min(users.size(), begin + kAtOnce);
    std::vector<Query> queries;
    for (std::size_t i = begin; i < end; ++i) {
      queries.push_back(
          insertion_of(users[i].user, users[i].credentials, AccountState::active, now, now));
    }
    RONDEL_TRY(const std::vector<Rows> rows, connection_->run_all_blocking(queries));
    for (std::size_t i = begin; i < end; ++i) {
      if (rows[i - begin].integer(0, 0) == 1) {
        ++outcome.created;
      } else {
        outcome.existing.push_back(users[i].user);
      }
    }
  }
  return outcome;
}

StoreResult<void> Users::set_credentials(const UserKey& user,
                                         const store::CredentialSet& credentials) {
  Query changed("UPDATE account SET password_changed = $3 WHERE host = $1 AND local = $2");
  changed.text(user.host).text(user.local).integer(number_of(store::timestamp_now()));
  RONDEL_TRY(const Rows rows, run(changed));
  if (rows.changed() == 0) {
    return no_account(user);
  }
  Query old("DELETE FROM scram_credential WHERE host = $1 AND local = $2");
  connection_->post(old.text(user.host).text(user.local));
  Query fresh(
      "INSERT INTO scram_credential SELECT $1, $2, k.* FROM"
      " unnest($3, $4, $5, $6, $7) AS k");
  fresh.text(user.host).text(user.local);
  add_keys(fresh, credentials);
  connection_->post(fresh);
  return {};
}

StoreResult<void> Users::set_state(const UserKey& user, AccountState state) {
  Query query("UPDATE account SET state = $3 WHERE host = $1 AND local = $2");
  RONDEL_TRY(const Rows rows,
             run(query.text(user.host).text(user.local).integer(number_of(state))));
  if (rows.changed() == 0) {
    return no_account(user);
  }
  return {};
}

StoreResult<void> Users::remove(const UserKey& user) {
  RONDEL_TRY_VOID(lookup(user));
  erase_user(*connection_, user);
  return {};
}

StoreResult<std::vector<Account>> Users::list(const std::string& host,
                                              const std::string& after_local,
                                              std::size_t limit) {
  constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max();
  Query query(
      "SELECT local, state, created, password_changed FROM account"
      " WHERE host = $1 AND local > $2 ORDER BY local LIMIT $3");
  query.text(host).text(after_local).integer(static_cast<std::int64_t>(std::min(limit, kMost)));
  RONDEL_TRY(const Rows rows, run(query));
  std::vector<Account> page;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    page.push_back(account_of({rows.bytes(row, 0), host}, rows, row, 1));
  }
  return page;
}

StoreResult<std::uint64_t> Users::count(const std::string& host) {
  Query query("SELECT count(*) FROM account WHERE host = $1");
  RONDEL_TRY(const Rows rows, run(query.text(host)));
  return static_cast<std::uint64_t>(rows.integer(0, 0));
}

StoreResult<void> Users::bind(const UserKey& user, const store::Binding& binding) {
  const auto kind = static_cast<std::int64_t>(binding.kind);
  // The account's row is locked, so that two writers can't pass the limit together.
  Query facts(
      "SELECT (SELECT count(*) FROM binding WHERE host = $1 AND local = $2),"
      " (SELECT local FROM binding WHERE host = $1 AND kind = $3 AND value = $4)"
      " FROM account WHERE host = $1 AND local = $2 FOR UPDATE");
  facts.text(user.host).text(user.local).integer(kind).text(binding.value);
  RONDEL_TRY(const Rows rows, run(facts));
  if (rows.size() == 0) {
    return no_account(user);
  }
  const std::string owner = rows.bytes(0, 1);
  if (owner == user.local) {
    return {};
  }
  if (!owner.empty()) {
    return fail(Failure::conflict, "another account has this binding");
  }
  if (static_cast<std::size_t>(rows.integer(0, 0)) >= store::kBindingsMax) {
    return fail(Failure::full, "the limit of bindings of " + to_text(user) + " is reached");
  }
  Query insert("INSERT INTO binding VALUES ($1, $3, $4, $2)");
  insert.text(user.host).text(user.local).integer(kind).text(binding.value);
  RONDEL_TRY_VOID(run(insert));
  return {};
}

StoreResult<void> Users::unbind(const UserKey& user, const store::Binding& binding) {
  Query query("DELETE FROM binding WHERE host = $1 AND local = $2 AND kind = $3 AND value = $4");
  query.text(user.host).text(user.local).integer(static_cast<std::int64_t>(binding.kind));
  RONDEL_TRY(const Rows rows, run(query.text(binding.value)));
  if (rows.changed() == 0) {
    return fail(Failure::not_found, to_text(user) + " has no such binding");
  }
  return {};
}

StoreResult<std::vector<UserKey>> Users::find_bound(const std::string& host,
                                                    const store::Binding& binding) {
  Query query("SELECT local FROM binding WHERE host = $1 AND kind = $2 AND value = $3");
  query.text(host).integer(static_cast<std::int64_t>(binding.kind)).text(binding.value);
  RONDEL_TRY(const Rows rows, run(query));
  std::vector<UserKey> users;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    users.emplace_back(rows.bytes(row, 0), host);
  }
  return users;
}

StoreResult<void> Users::restore(const store::AccountWithCredentials& account) {
  const UserKey& user = account.account.user;
  connection_->post(insertion_of(user, account.credentials, account.account.state,
                                 account.account.created, account.account.password_changed));
  for (const store::Binding& binding : account.credentials.bindings) {
    Query insert("INSERT INTO binding VALUES ($1, $3, $4, $2)");
    insert.text(user.host).text(user.local).integer(static_cast<std::int64_t>(binding.kind));
    connection_->post(insert.text(binding.value));
  }
  return {};
}

void erase_user(Connection& connection, const UserKey& user) {
  // Credentials, bindings, items and removals go with the rows that they refer to.
  for (const char* sql : {"DELETE FROM account WHERE host = $1 AND local = $2",
                          "DELETE FROM roster WHERE host = $1 AND local = $2",
                          "DELETE FROM offline_stanza WHERE host = $1 AND local = $2",
                          "DELETE FROM key_value WHERE host = $1 AND local = $2"}) {
    connection.post(Query(sql).text(user.host).text(user.local));
  }
}

}  // namespace rondel::modules::store_postgresql
