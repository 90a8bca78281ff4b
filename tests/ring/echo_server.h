// The smallest correct server: it shows how a connection lives on a ring.
#pragma once

#include <array>
#include <random>
#include <string>
#include <sys/uio.h>

#include "base/slab.h"
#include "ring/ring.h"

namespace rondel::tests {

/// Sends back what it receives; chooses modes, vectors and cancels at random.
class EchoServer final : public ring::Sink {
 public:
  EchoServer(ring::Ring& ring, int listener_fd, std::uint64_t seed);

  void completed(const ring::Completion& completion) override;
  /// Accepts no more; is_idle() once everything has ended.
  void stop();

  [[nodiscard]] bool is_idle() const { return !is_accepting_ && connections_.size() == 0; }
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }
  std::size_t accepted = 0;
  std::size_t shortages = 0;
  std::size_t failed = 0;
  std::size_t cancels = 0;

 private:
  struct Connection {
    int fd = -1;
    std::string waiting;
    std::string under_way;
    std::array<iovec, 2> parts;
    bool is_receiving = false;
    bool is_cancelling = false;
    bool is_sending = false;
    bool has_ended = false;
    bool has_failed = false;
  };

  void accepted_one(const ring::Completion& completion);
  void received(Connection& connection, const ring::Completion& completion);
  void sent(Connection& connection, const ring::Completion& completion);
  void go_on(base::SlotHandle handle, Connection& connection);
  void send_more(base::SlotHandle handle, Connection& connection);

  ring::Ring& ring_;
  int listener_fd_;
  std::mt19937_64 random_;
  bool is_accepting_ = true;
  base::Slab<Connection> connections_;
};

}  // namespace rondel::tests
