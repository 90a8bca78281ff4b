// The parts of rondelctl that its commands share; header only, as it is no part of the module.
#pragma once

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace rondel::modules::control::client {

using Json = nlohmann::json;

// DESIGN §9: 0 done, 1 refused, 2 usage.
inline constexpr int kDone = 0;
inline constexpr int kRefused = 1;
inline constexpr int kUsage = 2;
/// Ends the program with a sentence; thrown up to main.
struct Failure {
  int exit_code;
  std::string text;
};

/// A blocking connection to the control socket.
class Client {
 public:
  explicit Client(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
      throw Failure{kUsage, fmt::format("the socket's path is too long: {}", path)};
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0 ||
        connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      throw Failure{
          kRefused,
          fmt::format(
              "no server answers at {}: {} (is rondeld running, and may you use its socket?)", path,
              std::strerror(errno))};
    }
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Json ask(const Json& request) {
    const std::string line = request.dump() + "\n";
    for (std::size_t sent = 0; sent < line.size();) {
      const ssize_t count = send(fd_, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
      if (count < 0) {
        throw Failure{kRefused, fmt::format("the server went away: {}", std::strerror(errno))};
      }
      sent += static_cast<std::size_t>(count);
    }
    std::size_t end;
    while ((end = buffer_.find('\n')) == std::string::npos) {
      char chunk[65536];
      const ssize_t count = recv(fd_, chunk, sizeof(chunk), 0);
      if (count <= 0) {
        throw Failure{kRefused, "the server ended the connection"};
      }
      buffer_.append(chunk, static_cast<std::size_t>(count));
    }
    Json answer = Json::parse(buffer_.substr(0, end), nullptr, false);
    buffer_.erase(0, end + 1);
    if (!answer.is_object()) {
      throw Failure{kRefused, "the server gave no sensible answer"};
    }
    return answer;
  }

 private:
  int fd_;
  std::string buffer_;
};

inline int finish(const Json& answer, bool as_json, const std::string& said) {
  if (as_json) {
    fmt::print("{}\n", answer.dump(2));
  } else if (answer.value("ok", false)) {
    fmt::print("{}", said);
  } else {
    fmt::print(stderr, "rondelctl: {}\n", answer.value("error", "refused"));
  }
  return answer.value("ok", false) ? kDone : kRefused;
}

}  // namespace rondel::modules::control::client
