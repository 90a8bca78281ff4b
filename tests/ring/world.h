// One test, two rings: what the behaviour suite needs from the kernel's ring and from the simulated
// one.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "ring/ring.h"

namespace rondel::tests {

/// The far end of a connection.
class WorldPeer {
 public:
  virtual ~WorldPeer() = default;
  /// Queues bytes; pump() sends them as the socket takes them.
  virtual void write(std::string_view bytes) = 0;
  virtual void pump() = 0;
  [[nodiscard]] virtual std::size_t unsent() const = 0;
  /// What has arrived, at most `bytes_max`.
  virtual std::string read(std::size_t bytes_max = 65536) = 0;
  virtual void shutdown_write() = 0;
  virtual void reset() = 0;
  /// The server's end was closed and everything before was read.
  [[nodiscard]] virtual bool is_ended() const = 0;
};

/// A ring with a listener and peers that connect to it.
class World {
 public:
  virtual ~World() = default;
  virtual ring::Ring& ring() = 0;
  virtual int listener() = 0;
  virtual std::unique_ptr<WorldPeer> connect() = 0;
  [[nodiscard]] virtual std::size_t kept() const = 0;
  [[nodiscard]] virtual std::size_t operations_under_way() const = 0;
  /// All receive buffers are where they belong.
  [[nodiscard]] virtual bool has_all_buffers() const = 0;
  [[nodiscard]] virtual std::size_t open_fds() const = 0;
};

struct WorldKind {
  std::string name;
  std::function<std::unique_ptr<World>(std::uint64_t seed)> make;
};
inline std::ostream& operator<<(std::ostream& out, const WorldKind& kind) {
  return out << kind.name;
}

/// The kernel with sensible sizes, with tiny ones, and with sockets in the ring's own table; the
/// simulation calm and rough.
std::vector<WorldKind> all_worlds();

/// A completion that was kept.
struct Event {
  ring::Tag tag;
  std::int32_t result = 0;
  bool has_more = false;
  std::string data;
};

/// Keeps every completion; may call something at each.
class Recorder final : public ring::Sink {
 public:
  void completed(const ring::Completion& completion) override;
  [[nodiscard]] std::vector<Event> of(ring::Tag tag) const;
  [[nodiscard]] std::string data_of(ring::Tag tag) const;
  /// Completions without has_more.
  [[nodiscard]] std::size_t finals_of(ring::Tag tag) const;

  std::vector<Event> events;
  std::function<void(const Event&)> at_each;
};

/// Runs turns until `is_done`; false after five seconds of the clock or 20000 turns.
bool run_until(ring::Ring& ring, ring::Sink& sink, const std::function<bool()>& is_done);
/// Runs turns for a while in which nothing is expected.
void run_idle(ring::Ring& ring, ring::Sink& sink, int turns = 3);

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

inline ring::Tag tag(ring::Op op, std::uint32_t slot) {
  return {op, {slot, 1}};
}

}  // namespace rondel::tests
