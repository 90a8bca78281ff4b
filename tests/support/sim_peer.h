// The test's end of a connection of a SimRing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace rondel::tests {

/// One virtual descriptor: a listener, a connection or a file.
struct SimSocket {
  enum class Kind : std::uint8_t { listener, connection, file };

  Kind kind = Kind::connection;
  std::string inbound;   ///< On its way to the server.
  std::string outbound;  ///< On its way to the test; of a file, its content.
  std::int32_t connect_result = 0;
  bool is_connected = true;
  bool is_accepted = true;
  bool has_peer_ended = false;
  bool has_peer_gone = false;
  bool is_reset = false;
  bool is_closed = false;
  bool is_shut = false;  ///< The server sends no more.
  std::deque<std::shared_ptr<SimSocket>> backlog;
};

/// The test's end of a virtual connection.
class SimPeer {
 public:
  explicit SimPeer(std::shared_ptr<SimSocket> socket) : socket_(std::move(socket)) {}

  void write(std::string_view bytes);
  /// Takes what has arrived, at most `bytes_max`.
  std::string read(std::size_t bytes_max = SIZE_MAX);
  /// Sends no more, still reads (FIN).
  void shutdown_write();
  /// Neither sends nor reads any more.
  void close();
  /// Breaks the connection in both directions (RST).
  void reset();

  [[nodiscard]] bool is_accepted() const;
  /// The server's end was closed, or sends no more; what it sent before can still be read.
  [[nodiscard]] bool is_closed_by_server() const;
  [[nodiscard]] bool is_reset() const;

 private:
  std::shared_ptr<SimSocket> socket_;
};

}  // namespace rondel::tests
