#include "modules/store-sqlite/users.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "store/column_values.h"

namespace rondel::modules::store_sqlite {
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

constexpr std::int64_t kFirstBinding = 100;

base::Unexpected<StoreError> no_account(const UserKey& user) {
  return fail(Failure::not_found, "there is no account " + to_text(user));
}

}  // namespace

StoreResult<Account> Users::lookup(const UserKey& user) {
  Statement statement(connection_,
                      "SELECT state, created, password_changed FROM account"
                      " WHERE host = ? AND local = ?");
  statement.text(user.host).text(user.local);
  RONDEL_TRY(const bool has_row, statement.step_blocking());
  if (!has_row) {
    return no_account(user);
  }
  return Account{user, state_of(statement.integer_at(0)), time_of(statement.integer_at(1)),
                 time_of(statement.integer_at(2))};
}

StoreResult<store::AccountWithCredentials> Users::credentials(const UserKey& user) {
  // One statement sees one moment; an account without credentials gives a row with hash NULL. The
  // kinds of bindings are counted from kFirstBinding. SQLite would sort through a table of its own,
  // which is a third of the whole question.
  Statement statement(connection_,
                      "SELECT state, created, password_changed, coalesce(hash, 0),"
                      " iterations, salt, stored_key, server_key"
                      " FROM account LEFT JOIN scram_credential USING (host, local)"
                      " WHERE account.host = ?1 AND account.local = ?2"
                      " UNION ALL SELECT 0, 0, 0, 100 + kind, 0, value, NULL, NULL FROM binding"
                      " WHERE host = ?1 AND local = ?2");
  statement.text(user.host).text(user.local);
  store::AccountWithCredentials found;
  bool is_found = false;
  for (;;) {
    RONDEL_TRY(const bool has_row, statement.step_blocking());
    if (!has_row) {
      break;
    }
    is_found = true;
    if (statement.integer_at(3) > kFirstBinding) {
      RONDEL_TRY(const store::BindingKind kind, kind_of(statement.integer_at(3) - kFirstBinding));
      found.credentials.bindings.emplace_back(kind, statement.bytes_at(5));
      continue;
    }
    found.account = {user, state_of(statement.integer_at(0)), time_of(statement.integer_at(1)),
                     time_of(statement.integer_at(2))};
    if (statement.integer_at(3) != 0) {
      RONDEL_TRY(const ScramHash hash, hash_of(statement.integer_at(3)));
      found.credentials.scram.push_back({hash, static_cast<std::uint32_t>(statement.integer_at(4)),
                                         statement.bytes_at(5), statement.bytes_at(6),
                                         statement.bytes_at(7)});
    }
  }
  if (!is_found) {
    return no_account(user);
  }
  std::ranges::sort(found.credentials.scram, {}, &store::ScramCredential::hash);
  std::ranges::sort(found.credentials.bindings);
  return found;
}

StoreResult<void> Users::insert_credentials(const UserKey& user,
                                            const store::CredentialSet& credentials) {
  Statement statement(connection_, "INSERT INTO scram_credential VALUES (?, ?, ?, ?, ?, ?, ?)");
  for (const store::ScramCredential& scram : credentials.scram) {
    statement.text(user.host).text(user.local).integer(number_of(scram.hash));
    statement.integer(scram.iterations).blob(scram.salt);
    statement.blob(scram.stored_key).blob(scram.server_key);
    RONDEL_TRY_VOID(statement.run_again_blocking());
  }
  return {};
}

StoreResult<bool> Users::insert(const UserKey& user, const store::CredentialSet& credentials) {
  const std::int64_t now = number_of(store::timestamp_now());
  Statement statement(connection_,
                      "INSERT INTO account VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
  statement.text(user.host).text(user.local).integer(number_of(AccountState::active));
  RONDEL_TRY_VOID(statement.integer(now).integer(now).run_blocking());
  if (connection_.changed_rows() == 0) {
    return false;
  }
  RONDEL_TRY_VOID(insert_credentials(user, credentials));
  return true;
}

StoreResult<void> Users::create(const UserKey& user, const store::CredentialSet& credentials) {
  RONDEL_TRY(const bool is_new, insert(user, credentials));
  if (!is_new) {
    return fail(Failure::conflict, "the account " + to_text(user) + " exists already");
  }
  return {};
}

StoreResult<store::ImportOutcome> Users::create_many(const std::vector<store::NewUser>& users) {
  store::ImportOutcome outcome;
  for (const store::NewUser& user : users) {
    RONDEL_TRY(const bool is_new, insert(user.user, user.credentials));
    if (is_new) {
      ++outcome.created;
    } else {
      outcome.existing.push_back(user.user);
    }
  }
  return outcome;
}

StoreResult<void> Users::set_credentials(const UserKey& user,
                                         const store::CredentialSet& credentials) {
  Statement changed(connection_,
                    "UPDATE account SET password_changed = ? WHERE host = ? AND local = ?");
  changed.integer(number_of(store::timestamp_now())).text(user.host).text(user.local);
  RONDEL_TRY_VOID(changed.run_blocking());
  if (connection_.changed_rows() == 0) {
    return no_account(user);
  }
  Statement old(connection_, "DELETE FROM scram_credential WHERE host = ? AND local = ?");
  RONDEL_TRY_VOID(old.text(user.host).text(user.local).run_blocking());
  return insert_credentials(user, credentials);
}

StoreResult<void> Users::set_state(const UserKey& user, AccountState state) {
  Statement statement(connection_, "UPDATE account SET state = ? WHERE host = ? AND local = ?");
  statement.integer(number_of(state)).text(user.host).text(user.local);
  RONDEL_TRY_VOID(statement.run_blocking());
  if (connection_.changed_rows() == 0) {
    return no_account(user);
  }
  return {};
}

StoreResult<void> Users::remove(const UserKey& user) {
  RONDEL_TRY_VOID(lookup(user));
  return erase_user(connection_, user);
}

StoreResult<std::vector<Account>> Users::list(const std::string& host,
                                              const std::string& after_local,
                                              std::size_t limit) {
  Statement statement(connection_,
                      "SELECT local, state, created, password_changed FROM account"
                      " WHERE host = ? AND local > ? ORDER BY local LIMIT ?");
  constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max();
  statement.text(host).text(after_local).integer(static_cast<std::int64_t>(std::min(limit, kMost)));
  std::vector<Account> page;
  for (;;) {
    RONDEL_TRY(const bool has_row, statement.step_blocking());
    if (!has_row) {
      return page;
    }
    page.push_back({{statement.bytes_at(0), host},
                    state_of(statement.integer_at(1)),
                    time_of(statement.integer_at(2)),
                    time_of(statement.integer_at(3))});
  }
}

StoreResult<std::uint64_t> Users::count(const std::string& host) {
  Statement statement(connection_, "SELECT count(*) FROM account WHERE host = ?");
  RONDEL_TRY_VOID(statement.text(host).step_blocking());
  return static_cast<std::uint64_t>(statement.integer_at(0));
}

StoreResult<void> Users::bind(const UserKey& user, const store::Binding& binding) {
  RONDEL_TRY_VOID(lookup(user));
  RONDEL_TRY(const auto owners, find_bound(user.host, binding));
  if (!owners.empty()) {
    if (owners.front() != user) {
      return fail(Failure::conflict, "another account has this binding");
    }
    return {};
  }
  Statement insert(connection_,
                   "INSERT INTO binding SELECT ?1, ?3, ?4, ?2 WHERE"
                   " (SELECT count(*) FROM binding WHERE host = ?1 AND local = ?2) < ?5");
  insert.text(user.host).text(user.local).integer(static_cast<std::int64_t>(binding.kind));
  insert.text(binding.value).integer(static_cast<std::int64_t>(store::kBindingsMax));
  RONDEL_TRY_VOID(insert.run_blocking());
  if (connection_.changed_rows() == 0) {
    return fail(Failure::full, "the limit of bindings of " + to_text(user) + " is reached");
  }
  return {};
}

StoreResult<void> Users::unbind(const UserKey& user, const store::Binding& binding) {
  RONDEL_TRY_VOID(lookup(user));
  Statement statement(connection_,
                      "DELETE FROM binding WHERE host = ? AND kind = ? AND value = ?"
                      " AND local = ?");
  statement.text(user.host).integer(static_cast<std::int64_t>(binding.kind)).text(binding.value);
  RONDEL_TRY_VOID(statement.text(user.local).run_blocking());
  if (connection_.changed_rows() == 0) {
    return fail(Failure::not_found, to_text(user) + " has no such binding");
  }
  return {};
}

StoreResult<std::vector<UserKey>> Users::find_bound(const std::string& host,
                                                    const store::Binding& binding) {
  Statement statement(connection_,
                      "SELECT local FROM binding WHERE host = ? AND kind = ? AND value = ?");
  statement.text(host).integer(static_cast<std::int64_t>(binding.kind)).text(binding.value);
  RONDEL_TRY(const bool has_row, statement.step_blocking());
  std::vector<UserKey> users;
  if (has_row) {
    users.emplace_back(statement.bytes_at(0), host);
  }
  return users;
}

StoreResult<void> Users::restore(const store::AccountWithCredentials& account) {
  const UserKey& user = account.account.user;
  Statement statement(connection_, "INSERT INTO account VALUES (?, ?, ?, ?, ?)");
  statement.text(user.host).text(user.local).integer(number_of(account.account.state));
  statement.integer(number_of(account.account.created));
  RONDEL_TRY_VOID(statement.integer(number_of(account.account.password_changed)).run_blocking());
  RONDEL_TRY_VOID(insert_credentials(user, account.credentials));
  Statement binding(connection_, "INSERT INTO binding VALUES (?, ?, ?, ?)");
  for (const store::Binding& one : account.credentials.bindings) {
    binding.text(user.host).integer(static_cast<std::int64_t>(one.kind));
    RONDEL_TRY_VOID(binding.text(one.value).text(user.local).run_again_blocking());
  }
  return {};
}

StoreResult<void> erase_user(Connection& connection, const UserKey& user) {
  // Credentials, bindings, items, groups and removals go with the rows that they refer to.
  for (const char* sql : {"DELETE FROM account WHERE host = ? AND local = ?",
                          "DELETE FROM roster WHERE host = ? AND local = ?",
                          "DELETE FROM offline_stanza WHERE host = ? AND local = ?",
                          "DELETE FROM key_value WHERE host = ? AND local = ?"}) {
    RONDEL_TRY_VOID(Statement(connection, sql).text(user.host).text(user.local).run_blocking());
  }
  return {};
}

}  // namespace rondel::modules::store_sqlite
