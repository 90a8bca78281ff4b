// What the directory's threads tell the operator.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "log/log.h"
#include "log/rate_limit.h"

namespace rondel::modules::store_ldap {

/// Logs when a server comes or goes, once each time, and what is wrong in the directory.
///
/// Thread: any. Owner: the storage.
class Reporter {
 public:
  explicit Reporter(std::vector<std::string> servers);

  /// Where lines go from now on; also says which servers have failed by then. `log` must live until
  /// the storage is closed.
  void attach(const log::Channel& log);

  void connected(std::size_t server);
  void failed(std::size_t server, std::string_view message);
  /// Something that an operator must mend; a user's login can cause it at will.
  void complain(std::string_view message);

  /// "ldap://a up, ldap://b down (why)".
  [[nodiscard]] std::string status() const;

 private:
  enum class State : std::uint8_t { unknown, up, down };
  struct Server {
    std::string uri;
    State state = State::unknown;
    std::string message;  ///< Why it is down.
  };

  mutable std::mutex mutex_;
  std::vector<Server> servers_;
  const log::Channel* log_ = nullptr;
  log::RateLimit complaints_{5, 60'000};
};

}  // namespace rondel::modules::store_ldap
