// A directory behind several servers, as one thread asks it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_function.h"
#include "modules/store-ldap/connection.h"
#include "modules/store-ldap/reporter.h"

namespace rondel::modules::store_ldap {

/// Keeps a connection for searches and one for users' binds, each to the first server that answers.
///
/// A server that failed is left alone for a while, which doubles; while all are, every question is
/// answered unavailable at once. A connection that broke is made anew once before a question fails.
/// Thread: one. Owner: an Engine.
class Directory {
 public:
  Directory(const ConnectionOptions& options, Reporter& reporter);

  /// Connects and binds, to see whether the options are good. Errors: invalid if a server refuses
  /// the service account; unavailable if there is none to ask.
  [[nodiscard]] StoreResult<void> try_out_blocking();

  using Found = Connection::Found;
  [[nodiscard]] StoreResult<Found> search_blocking(const Search& search, int entries_max);
  /// After an error some entries may have been taken; `begin` is called before each try.
  [[nodiscard]] StoreResult<void> search_all_blocking(const Search& search,
                                                      base::UniqueFunction<void()> begin,
                                                      base::UniqueFunction<void(Entry)> take);
  /// Whether the directory lets `dn` bind with `password`, which must not be empty.
  [[nodiscard]] StoreResult<bool> try_password_blocking(const std::string& dn,
                                                        const std::string& password);

 private:
  enum class Role : std::uint8_t { service, users };
  struct Server {
    std::uint64_t not_before_ms = 0;
    std::uint64_t pause_ms = 0;  ///< The next wait.
  };

  /// `question(Connection&)` gives an LdapResult<T>.
  template <class T, class Question>
  [[nodiscard]] StoreResult<T> ask(Role role, Question question);
  /// To the first server that isn't left alone and hasn't `failed` the question at hand.
  [[nodiscard]] StoreResult<void> connect_blocking(Role role, std::vector<bool>& failed);
  [[nodiscard]] LdapResult<std::unique_ptr<Connection>> reach_blocking(std::size_t server,
                                                                       Role role);
  void note_failure(std::size_t server, const std::string& message, bool is_late);

  struct Link {
    std::unique_ptr<Connection> connection;
    std::size_t server = 0;
  };
  Link& link(Role role) { return role == Role::service ? service_ : users_; }

  const ConnectionOptions& options_;
  Reporter& reporter_;
  std::vector<Server> servers_;
  Link service_;
  Link users_;
  std::string last_failure_;
  bool was_refused_ = false;  ///< The service account, at the last try.
};

}  // namespace rondel::modules::store_ldap
