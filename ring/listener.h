// Listening sockets: addresses as an operator writes them, errors as an operator can use them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace rondel::ring {

// A peer that has gone without a word is found by the kernel.
/// How long a connection is silent before the kernel asks whether the peer is still there.
inline constexpr int kKeepAliveIdleSeconds = 300;
inline constexpr int kKeepAliveIntervalSeconds = 30;  ///< Between two questions.
/// How long what was sent, or asked, may stay unacknowledged before the connection has failed.
inline constexpr int kUnacknowledgedMaxMs = 120'000;

enum class AddressFamily : std::uint8_t { ipv4, ipv6, unix_path };

/// Where to listen, checked but not yet resolved to anything of this host.
struct ListenAddress {
  AddressFamily family = AddressFamily::ipv4;
  std::string host;        ///< A numeric address, or an absolute path.
  std::uint16_t port = 0;  ///< 0: the kernel chooses. Unused with a path.
};

struct ListenerOptions {
  int backlog = 4096;  ///< The kernel cuts it to net.core.somaxconn.
  /// SO_REUSEPORT: each shard opens the same address, and the kernel spreads the connections.
  bool is_shared = true;
  /// Fails where anything listens on the address already, be it ours; for the first of several
  /// shared listeners. Without it a second server of the same user would silently take half of the
  /// connections.
  bool must_be_first = false;
  unsigned unix_mode = 0660;  ///< Permission bits of a Unix socket.
};

/// Reads "[::]:5222", "192.0.2.1:5222" or "unix:/path".
///
/// Errors: what is wrong, and which forms there are. Limits: a path of 107 bytes.
base::Result<ListenAddress> parse_listen_address(std::string_view text);

/// A listening socket: non-blocking, close-on-exec, "[::]" also takes IPv4. What it accepts
/// inherits TCP_NODELAY, keep-alive and the time that bytes may stay unacknowledged.
///
/// A Unix socket that nobody listens on any more is replaced. Owner: the caller, who closes it.
base::Result<int> open_listener(std::string_view address, const ListenerOptions& options = {});

/// The port that a socket is bound to; 0 for a Unix socket or a failure.
[[nodiscard]] std::uint16_t bound_port(int fd);

/// The peer as "192.0.2.1:40000", "[2001:db8::1]:40000" or "unix"; IPv4 in IPv6 is shown as IPv4, a
/// failure as "unknown".
[[nodiscard]] std::string peer_address(int fd);

}  // namespace rondel::ring
