// A server that gives back what it gets, over TLS and a ring: the least that owns a channel.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

#include "ring/ring.h"
#include "tls/channel.h"

namespace rondel::tls {

/// What one connection came to.
struct Served {
  Status end = Status::ok;  ///< ok: it ran out of time.
  Engine engine = Engine::retained;
  std::size_t received = 0;
  Failure failure;
};

/// Serves one connection, as the server does: one receive at a time until the records have their
/// engine, then multishot; one send at a time.
class EchoServer final : public ring::Sink {
 public:
  /// `close_after` bytes it says goodbye by itself; 0: never.
  EchoServer(ring::Ring& ring, int fd, std::unique_ptr<Channel> channel, std::size_t close_after);
  ~EchoServer() override;
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;

  /// Until the connection has ended or `seconds_max` have passed.
  Served run(int seconds_max);
  /// Frees the client if it still waits for something. The destructor closes.
  void hang_up() const;
  /// The records have found their engine. Thread: any.
  [[nodiscard]] const std::atomic<bool>& is_settled() const { return is_settled_; }
  /// The handshake is over and a first piece behind it was seen. Thread: any.
  [[nodiscard]] const std::atomic<bool>& is_established() const { return is_established_; }

 private:
  void completed(const ring::Completion& completion) override;
  void received(const ring::Completion& completion);
  void sent(const ring::Completion& completion);
  void settle(Status status);
  void act();
  /// False: the kernel is to be entered, and something has to be sent before.
  [[nodiscard]] bool choose_engine();
  void say_goodbye();
  void start_send();
  void end(Status status);

  ring::Ring& ring_;
  const int fd_;
  std::unique_ptr<Channel> channel_;
  const std::size_t close_after_;
  base::ByteBuffer plain_;
  base::ByteBuffer output_;
  base::ByteBuffer wire_;
  base::ByteBuffer sending_;
  Served served_;
  bool is_receiving_ = false;
  bool is_sending_ = false;
  bool is_goodbye_said_ = false;
  bool is_shut_ = false;
  bool is_over_ = false;
  std::atomic<bool> is_settled_{false};
  std::atomic<bool> is_established_{false};
};

}  // namespace rondel::tls
