// Special interfaces: listeners whose protocol is a module's own, such as the control socket.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/handle.h"
#include "modules/api/connection.h"

namespace rondel::api {

/// The core's side of a raw connection.
///
/// Thread: the shard's. Hold id() across a wait and look it up by Shard::find_raw().
class RawConnection {
 public:
  virtual ~RawConnection() = default;
  [[nodiscard]] virtual base::ConnectionId id() const = 0;
  [[nodiscard]] virtual const PeerAddress& peer() const = 0;
  /// Who is at the other end of a local socket (SO_PEERCRED); -1 for the network.
  [[nodiscard]] virtual int peer_user_id() const = 0;
  virtual void send(std::string_view bytes) = 0;
  /// Closes once everything was sent.
  virtual void close() = 0;
  /// Stops reading until resume_reading(): the module's way to bound what it holds.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
};

/// The module's side of a raw connection; made at accept, freed after closed().
class RawProtocol {
 public:
  virtual ~RawProtocol() = default;
  /// Takes all of `bytes`.
  virtual void received(std::span<const std::byte> bytes) = 0;
  virtual void closed() {}
};

/// A listener to create at start.
struct RawInterface {
  std::string name;
  std::string address;          ///< "unix:/run/rondel/control.sock", or "127.0.0.1:port".
  unsigned socket_mode = 0660;  ///< Of a local socket.
};

}  // namespace rondel::api
