#include "ring/listener.h"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace rondel::ring {

namespace {

constexpr std::string_view kForms =
    "allowed are \"[::]:5222\" (IPv6 and IPv4), \"192.0.2.1:5222\" and \"unix:/run/name.sock\"";
constexpr std::string_view kUnixPrefix = "unix:";

/// A descriptor on its way to a caller.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  [[nodiscard]] int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

/// An address as the socket calls want it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t bytes = 0;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

base::Unexpected<base::Error> malformed(std::string_view text, std::string_view problem) {
  return base::Unexpected(
      base::Error(fmt::format("\"{}\" is no address to listen on: {}; {}", text, problem, kForms)));
}

/// A port without sign, blanks or leading zeros.
std::optional<std::uint16_t> parse_port(std::string_view digits) {
  std::uint16_t port = 0;
  const char* end = digits.data() + digits.size();
  const auto [parsed_to, error] = std::from_chars(digits.data(), end, port);
  const bool has_leading_zero = digits.size() > 1 && digits.front() == '0';
  if (digits.empty() || error != std::errc() || parsed_to != end || has_leading_zero) {
    return std::nullopt;
  }
  return port;
}

SocketAddress to_socket_address(const ListenAddress& address) {
  SocketAddress result;
  if (address.family == AddressFamily::unix_path) {
    auto& local = reinterpret_cast<sockaddr_un&>(result.storage);
    local.sun_family = AF_UNIX;
    memcpy(local.sun_path, address.host.data(), address.host.size());
    result.bytes = sizeof local;
  } else if (address.family == AddressFamily::ipv6) {
    auto& inet6 = reinterpret_cast<sockaddr_in6&>(result.storage);
    inet6.sin6_family = AF_INET6;
    inet6.sin6_port = htons(address.port);
    inet_pton(AF_INET6, address.host.c_str(), &inet6.sin6_addr);
    result.bytes = sizeof inet6;
  } else {
    auto& inet = reinterpret_cast<sockaddr_in&>(result.storage);
    inet.sin_family = AF_INET;
    inet.sin_port = htons(address.port);
    inet_pton(AF_INET, address.host.c_str(), &inet.sin_addr);
    result.bytes = sizeof inet;
  }
  return result;
}

base::Error open_error(std::string_view text, const ListenAddress& address, int error_number) {
  std::string hint;
  const bool is_unix = address.family == AddressFamily::unix_path;
  switch (error_number) {
    case EADDRINUSE:
      hint = is_unix ? "the path is in use: is another server running, or is it no socket?"
                     : fmt::format(
                           "port {} is in use: is another XMPP server running? "
                           "(ss -ltnp 'sport = :{}' shows it)",
                           address.port, address.port);
      break;
    case EADDRNOTAVAIL:
      hint = "this host has no such address (ip address shows those it has)";
      break;
    case EACCES:
    case EPERM:
      hint = is_unix ? "the folder does not let this user create a socket"
                     : "ports below 1024 need the capability CAP_NET_BIND_SERVICE (systemd: "
                       "AmbientCapabilities=CAP_NET_BIND_SERVICE)";
      break;
    case EAFNOSUPPORT:
      hint =
          "the kernel has no support for this kind of address (IPv6 switched off?): use "
          "\"0.0.0.0:PORT\" for IPv4 alone";
      break;
    case ENOENT:
      hint = "the folder of the socket does not exist";
      break;
    case EMFILE:
    case ENFILE:
      hint = "no file descriptor is left: raise the limit of open files (systemd: LimitNOFILE)";
      break;
    default:
      hint = strerror(error_number);
      break;
  }
  return {fmt::format("cannot listen on {}: {}", text, hint),
          std::error_code(error_number, std::generic_category())};
}

int new_socket(const ListenAddress& address) {
  int family = AF_INET;
  if (address.family == AddressFamily::unix_path) {
    family = AF_UNIX;
  } else if (address.family == AddressFamily::ipv6) {
    family = AF_INET6;
  }
  return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

bool try_set(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/// What has to be set before bind(); false with errno.
bool prepare_inet(int fd, const ListenAddress& address, bool is_shared) {
  if (address.family == AddressFamily::ipv6 &&
      !try_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, address.host == "::" ? 0 : 1)) {
    return false;
  }
  return try_set(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
         (!is_shared || try_set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
         try_set(fd, IPPROTO_TCP, TCP_NODELAY, 1) && try_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
         try_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds) &&
         try_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalSeconds) &&
         try_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kUnacknowledgedMaxMs);
}

/// 0, or the errno: nobody may share a port with a socket that did not ask to share.
int find_other_listener(const ListenAddress& address, const SocketAddress& target) {
  const Socket probe(new_socket(address));
  if (probe.get() < 0 || !prepare_inet(probe.get(), address, false) ||
      bind(probe.get(), target.get(), target.bytes) != 0) {
    return errno;
  }
  return 0;
}

/// Removes a socket that its server left behind; anything else stays.
void remove_stale_socket(const ListenAddress& address, const SocketAddress& target) {
  struct stat status {};
  if (lstat(address.host.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) {
    return;
  }
  const Socket probe(new_socket(address));
  if (probe.get() >= 0 && ::connect(probe.get(), target.get(), target.bytes) != 0 &&
      errno == ECONNREFUSED) {
    unlink(address.host.c_str());
  }
}

/// Sets up, binds and listens; 0, or the errno of what failed.
int start_listening(int fd,
                    const ListenAddress& address,
                    const SocketAddress& target,
                    const ListenerOptions& options) {
  if (address.family == AddressFamily::unix_path) {
    remove_stale_socket(address, target);
    // The mode is set before listen(): until then nobody can connect.
    if (bind(fd, target.get(), target.bytes) != 0 ||
        chmod(address.host.c_str(), options.unix_mode) != 0) {
      return errno;
    }
  } else {
    if (options.must_be_first && address.port != 0) {
      if (const int error = find_other_listener(address, target); error != 0) {
        return error;
      }
    }
    if (!prepare_inet(fd, address, options.is_shared) ||
        bind(fd, target.get(), target.bytes) != 0) {
      return errno;
    }
  }
  return listen(fd, options.backlog) == 0 ? 0 : errno;
}

}  // namespace

base::Result<ListenAddress> parse_listen_address(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) {
    const std::string_view path = text.substr(kUnixPrefix.size());
    if (!path.starts_with('/')) {
      return malformed(text, "the path must be absolute");
    }
    if (path.size() >= sizeof(sockaddr_un::sun_path) || path.find('\0') != path.npos) {
      return malformed(text, "the path is longer than 107 bytes, or holds a NUL");
    }
    return ListenAddress{AddressFamily::unix_path, std::string(path), 0};
  }
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) {
    return malformed(text, "the port is missing");
  }
  const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1));
  if (!port) {
    return malformed(text, "the port must be a number from 0 to 65535");
  }
  std::string_view host = text.substr(0, colon);
  const bool is_ipv6 = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (is_ipv6) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != host.npos) {
    return malformed(text, "an IPv6 address stands in brackets");
  }
  std::string copy(host);
  in6_addr binary;
  if (copy.find('\0') != copy.npos ||
      inet_pton(is_ipv6 ? AF_INET6 : AF_INET, copy.c_str(), &binary) != 1) {
    return malformed(text, "the host must be a numeric address, not a name");
  }
  return ListenAddress{is_ipv6 ? AddressFamily::ipv6 : AddressFamily::ipv4, std::move(copy), *port};
}

base::Result<int> open_listener(std::string_view text, const ListenerOptions& options) {
  RONDEL_TRY(const ListenAddress address, parse_listen_address(text));
  Socket listener(new_socket(address));
  if (listener.get() < 0) {
    return base::Unexpected(open_error(text, address, errno));
  }
  const SocketAddress target = to_socket_address(address);
  if (const int error = start_listening(listener.get(), address, target, options); error != 0) {
    return base::Unexpected(open_error(text, address, error));
  }
  return listener.release();
}

std::uint16_t bound_port(int fd) {
  SocketAddress address;
  address.bytes = sizeof address.storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.bytes) != 0) {
    return 0;
  }
  switch (address.storage.ss_family) {
    case AF_INET:
      return ntohs(reinterpret_cast<const sockaddr_in&>(address.storage).sin_port);
    case AF_INET6:
      return ntohs(reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_port);
    default:
      return 0;
  }
}

std::string peer_address(int fd) {
  SocketAddress address;
  address.bytes = sizeof address.storage;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.bytes) != 0) {
    return "unknown";
  }
  char text[INET6_ADDRSTRLEN] = {};
  if (address.storage.ss_family == AF_INET) {
    const auto& inet = reinterpret_cast<const sockaddr_in&>(address.storage);
    inet_ntop(AF_INET, &inet.sin_addr, text, sizeof text);
    return fmt::format("{}:{}", text, ntohs(inet.sin_port));
  }
  if (address.storage.ss_family == AF_INET6) {
    const auto& inet6 = reinterpret_cast<const sockaddr_in6&>(address.storage);
    if (IN6_IS_ADDR_V4MAPPED(&inet6.sin6_addr)) {
      inet_ntop(AF_INET, inet6.sin6_addr.s6_addr + 12, text, sizeof text);
      return fmt::format("{}:{}", text, ntohs(inet6.sin6_port));
    }
    inet_ntop(AF_INET6, &inet6.sin6_addr, text, sizeof text);
    return fmt::format("[{}]:{}", text, ntohs(inet6.sin6_port));
  }
  return address.storage.ss_family == AF_UNIX ? "unix" : "unknown";
}

}  // namespace rondel::ring
