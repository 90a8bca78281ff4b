#include "modules/store-ldap/directory.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/encoding.h"

namespace rondel::modules::store_ldap {

using store::fail;
using store::Failure;

Directory::Directory(const ConnectionOptions& options, Reporter& reporter)
    : options_(options), reporter_(reporter), servers_(options.servers.size()) {
}

LdapResult<std::unique_ptr<Connection>> Directory::reach_blocking(std::size_t server, Role role) {
  was_refused_ = false;
  auto opened = Connection::open_blocking(options_.servers[server], options_);
  if (!opened || role == Role::users || options_.bind_dn.empty()) {
    return opened;
  }
  auto password = read_secret_blocking(options_.password);
  if (!password || password->empty()) {
    was_refused_ = true;
    return base::Unexpected(LdapError(
        true, false,
        password ? "bind_dn is set, and no place of its password" : password.error().message));
  }
  const auto bound = (*opened)->bind_blocking(options_.bind_dn, *password);
  base::wipe(*password);
  if (!bound) {
    return base::Unexpected(bound.error());
  }
  if (!*bound) {
    was_refused_ = true;
    return base::Unexpected(LdapError(
        true, false,
        fmt::format("{} refuses the password of {}", options_.servers[server], options_.bind_dn)));
  }
  return opened;
}

void Directory::note_failure(std::size_t server, const std::string& message, bool is_late) {
  Server& failed = servers_[server];
  const auto first = static_cast<std::uint64_t>(options_.retry_first.count());
  const auto most = static_cast<std::uint64_t>(options_.retry_max.count());
  failed.pause_ms = std::clamp(failed.pause_ms * 2, first, most);
  // What comes late holds a thread for that long: others must not wait in line for the same.
  const auto pause = is_late
                         ? std::max(failed.pause_ms,
                                    static_cast<std::uint64_t>(options_.operation_timeout.count()))
                         : failed.pause_ms;
  failed.not_before_ms = base::monotonic_ms() + pause;
  last_failure_ = message;
  reporter_.failed(server, message);
}

StoreResult<void> Directory::connect_blocking(Role role, std::vector<bool>& failed) {
  for (std::size_t server = 0; server < servers_.size(); ++server) {
    if (failed[server] || servers_[server].not_before_ms > base::monotonic_ms()) {
      continue;
    }
    auto reached = reach_blocking(server, role);
    if (reached) {
      link(role) = {std::move(*reached), server};
      return {};
    }
    failed[server] = true;
    note_failure(server, reached.error().message, reached.error().is_late);
  }
  return fail(Failure::unavailable,
              fmt::format("no LDAP server can be asked now; the last failure: {}", last_failure_));
}

template <class T, class Question>
StoreResult<T> Directory::ask(Role role, Question question) {
  Link& used = link(role);
  std::vector<bool> failed(servers_.size(), false);
  // An old connection may have been closed while nobody looked, and then there are other servers.
  for (bool is_new = used.connection == nullptr;; is_new = true) {
    if (used.connection == nullptr) {
      RONDEL_TRY_VOID(connect_blocking(role, failed));
    }
    const std::size_t server = used.server;
    LdapResult<T> answer = question(*used.connection);
    if (answer) {
      if (is_new) {  // Who lets connect and answers nothing isn't there.
        servers_[server] = {};
        reporter_.connected(server);
      }
      return std::move(answer).value();
    }
    const LdapError& error = answer.error();
    if (!error.is_lost) {
      reporter_.complain(error.message);
      return fail(Failure::unavailable, error.message);
    }
    used.connection.reset();
    if (is_new || error.is_late) {
      failed[server] = true;
      note_failure(server, error.message, error.is_late);
    }
    if (error.is_late) {
      return fail(Failure::unavailable, error.message);
    }
  }
}

StoreResult<void> Directory::try_out_blocking() {
  std::vector<bool> failed(servers_.size(), false);
  auto connected = connect_blocking(Role::service, failed);
  if (connected) {
    reporter_.connected(service_.server);
  }
  if (!connected && was_refused_) {
    return fail(Failure::invalid, last_failure_);
  }
  return connected;
}

StoreResult<Directory::Found> Directory::search_blocking(const Search& search, int entries_max) {
  return ask<Found>(Role::service, [&](Connection& connection) {
    return connection.search_blocking(search, entries_max);
  });
}

StoreResult<void> Directory::search_all_blocking(const Search& search,
                                                 base::UniqueFunction<void()> begin,
                                                 base::UniqueFunction<void(Entry)> take) {
  struct Nothing {};
  auto done = ask<Nothing>(Role::service, [&](Connection& connection) -> LdapResult<Nothing> {
    begin();
    RONDEL_TRY_VOID(connection.search_all_blocking(search, take));
    return Nothing{};
  });
  if (!done) {
    return base::Unexpected(std::move(done).error());
  }
  return {};
}

StoreResult<bool> Directory::try_password_blocking(const std::string& dn,
                                                   const std::string& password) {
  return ask<bool>(Role::users,
                   [&](Connection& connection) { return connection.bind_blocking(dn, password); });
}

}  // namespace rondel::modules::store_ldap
