#include "modules/store-ldap/reporter.h"

#include <fmt/format.h>

#include "base/clock.h"

namespace rondel::modules::store_ldap {

Reporter::Reporter(std::vector<std::string> servers) {
  for (std::string& uri : servers) {
    servers_.push_back({std::move(uri), State::unknown, {}});
  }
}

void Reporter::attach(const log::Channel& log) {
  const std::lock_guard lock(mutex_);
  if (log_ != nullptr) {
    return;
  }
  log_ = &log;
  for (const Server& server : servers_) {
    if (server.state == State::down) {
      RONDEL_LOG_ERROR(log, "ldap.lost", "{}", server.message);
    }
  }
}

void Reporter::connected(std::size_t server) {
  const std::lock_guard lock(mutex_);
  Server& there = servers_[server];
  if (there.state != State::up && log_ != nullptr) {
    RONDEL_LOG_INFO(*log_, "ldap.connected", "{}", there.uri);
  }
  there.state = State::up;
  there.message.clear();
}

void Reporter::failed(std::size_t server, std::string_view message) {
  const std::lock_guard lock(mutex_);
  Server& there = servers_[server];
  if (there.state != State::down && log_ != nullptr) {
    RONDEL_LOG_ERROR(*log_, "ldap.lost", "{}", message);
  }
  there.state = State::down;
  there.message = message;
}

void Reporter::complain(std::string_view message) {
  const auto held_back = complaints_.admit(base::monotonic_ms());
  const std::lock_guard lock(mutex_);
  if (held_back && log_ != nullptr) {
    RONDEL_LOG_ERROR(*log_, "ldap.trouble", "{} ({} more were not logged)", message, *held_back);
  }
}

std::string Reporter::status() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const Server& server : servers_) {
    text += text.empty() ? "" : ", ";
    text += server.uri;
    switch (server.state) {
      case State::unknown:
        text += " not asked yet";
        break;
      case State::up:
        text += " up";
        break;
      case State::down:
        text += fmt::format(" down ({})", server.message);
        break;
    }
  }
  return text;
}

}  // namespace rondel::modules::store_ldap
