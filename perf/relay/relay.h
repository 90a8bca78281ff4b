// Copies bytes between connections without looking at them: what no server can be cheaper than.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/byte_buffer.h"
#include "base/shared_bytes.h"
#include "base/slab.h"
#include "perf/relay/negotiation.h"
#include "ring/ring.h"

namespace rondel::perf {

/// Who gets what a connection sends.
enum class RelayMode : std::uint8_t {
  pairs,      ///< The user that the first bytes name in `to`, for ever.
  broadcast,  ///< All other connections, from one shared copy.
};

struct RelayCounters {
  std::uint64_t connections = 0;     ///< Accepted.
  std::uint64_t sessions = 0;        ///< Through with the negotiation.
  std::uint64_t bytes_received = 0;  ///< To be copied.
  std::uint64_t bytes_sent = 0;      ///< Of sessions, as the kernel took them.
  std::uint64_t bytes_dropped = 0;   ///< For a partner who isn't there.
  std::uint64_t failures = 0;        ///< Connections that spoke no XMPP before their bind.
};

/// The server's ways with a socket (multishot receives, one send under way, one send a turn), and
/// nothing else of a server.
///
/// Owner: main(). Thread: the ring's. Limits: none on what waits for a slow reader: its users are
/// our own.
class Relay final : public ring::Sink {
 public:
  Relay(ring::Ring& ring, int listener_fd, RelayMode mode, RelayBegin begin);
  ~Relay() override;

  /// One turn, of at most half a second.
  void run_once();
  void completed(const ring::Completion& completion) override;
  [[nodiscard]] const RelayCounters& counters() const { return counters_; }

 private:
  struct Connection;

  void accepted(const ring::Completion& completion);
  void received(Connection& connection, const ring::Completion& completion);
  void negotiate(Connection& connection, std::span<const std::byte> bytes);
  void copy(Connection& from, std::span<const std::byte> bytes);
  void broadcast(Connection& from, std::span<const std::byte> bytes);
  void sent(Connection& connection, const ring::Completion& completion);
  void mark_dirty(Connection& connection);
  void flush();
  void end(Connection& connection);
  void bury(Connection& connection);

  ring::Ring& ring_;
  RelayMode mode_;
  RelayBegin begin_;
  base::Slab<Connection> connections_;
  std::vector<Connection*> all_;  ///< Those whose bytes are copied.
  std::unordered_map<std::string, Connection*> by_user_;
  std::vector<base::SlotHandle> dirty_;
  RelayCounters counters_;
};

}  // namespace rondel::perf
