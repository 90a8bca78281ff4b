// A ring without a kernel: virtual sockets, virtual time, and every misfortune on a seed.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "ring/ring.h"
#include "tests/support/sim_peer.h"

namespace rondel::tests {

/// Chances in 1000, at each opportunity, of what a kernel may do to a correct program.
struct SimFaults {
  unsigned short_send = 0;
  unsigned cut_receive = 0;
  unsigned starved_receive = 0;  ///< No buffer: the receive waits, and its handler hears nothing.
  unsigned failed_receive = 0;   ///< EIO; the bytes stay, as with a control record of kernel TLS.
  unsigned reset = 0;            ///< ECONNRESET; both directions are dead from then on.
  unsigned ended_multishot = 0;  ///< Data with has_more false, as when the completion ring is full.
  unsigned late_completion = 0;  ///< Done now, told 0.1 to 1 ms later.
  unsigned lost_wake = 0;
  unsigned accept_shortage = 0;  ///< EMFILE with has_more true, then a pause of 100 ms.

  /// All that loses no connection.
  static SimFaults harmless() {
    return {.short_send = 300,
            .cut_receive = 400,
            .starved_receive = 50,
            .ended_multishot = 100,
            .late_completion = 250,
            .accept_shortage = 20};
  }
};

struct SimOptions {
  std::uint64_t seed = 1;
  SimFaults faults{};
  bool shuffles = true;  ///< Completions of different operations come in any order.
  std::size_t buffer_bytes = 4096;
  std::size_t window_bytes = 65536;  ///< What a socket holds for a peer that does not read.
  bool keeps = true;                 ///< keep() takes every socket, as if descriptors were scarce.
};

/// The simulated twin of UringRing.
///
/// Same seed and same calls give the same run. Stops the process when a caller breaks the contract
/// of Ring: a second send on a socket, a tag used twice at a time, a close with operations under
/// way, a kept socket used by another ring. Data of a receive lies in memory of its own, freed
/// after the call, so that a sanitizer sees who keeps it. Descriptors are from kFirstFd on, the
/// lowest free one is used first; to real system calls they are not open. Thread: one; wake() from
/// any.
class SimRing final : public ring::Ring {
 public:
  static constexpr int kFirstFd = 1'000'000;

  /// What others do meanwhile: called at the beginning of every run_once().
  std::function<void()> meanwhile;

  explicit SimRing(const SimOptions& options = {});
  ~SimRing() override;

  /// A listening descriptor.
  int open_listener();
  /// Connects to a listener; the connection waits there to be accepted.
  SimPeer connect(int listener_fd);
  /// Both ends of a connection that needs no accept: the server's descriptor and the peer.
  std::pair<int, SimPeer> open_pair();
  /// A socket to call connect() with, and the answer (0 or a negated errno) that connect() will
  /// get.
  std::pair<int, SimPeer> open_unconnected(std::int32_t connect_result);
  /// A file: what is written to it is in file_content(), what is fed to it can be read.
  int open_file();
  [[nodiscard]] const std::string& file_content(int fd) const;
  void feed_file(int fd, std::string_view bytes);

  /// From now on both rings know the same descriptors, as all rings of a process do. Before the
  /// first one is opened.
  void share_descriptors(SimRing& other) { sockets_ = other.sockets_; }
  void set_faults(const SimFaults& faults) { options_.faults = faults; }
  [[nodiscard]] base::Nanoseconds now() const { return now_; }
  [[nodiscard]] std::size_t operations_under_way() const;
  [[nodiscard]] std::size_t open_fds() const { return sockets_->size() + kept_.size(); }
  [[nodiscard]] std::size_t kept() const { return kept_.size(); }

  void accept(int listener_fd, ring::Tag tag) override;
  void receive(int fd, ring::Tag tag, ring::ReceiveMode mode) override;
  void send(int fd, std::span<const std::byte> bytes, ring::Tag tag) override;
  void send_vector(int fd, std::span<const iovec> parts, ring::Tag tag) override;
  void read(int fd, std::span<std::byte> into, ring::Tag tag) override;
  void write(int fd, std::span<const std::byte> bytes, ring::Tag tag) override;
  void sync(int fd, ring::Tag tag) override;
  void poll(int fd, unsigned events, ring::Tag tag) override;
  void connect(int fd, const void* address, unsigned address_bytes, ring::Tag tag) override;
  void cancel(ring::Tag target) override;
  void shut_down(int fd, int how) override;
  void close(int fd) override;
  int keep(int fd) override;
  /// Never sleeps: when nothing can happen, virtual time moves on by the wait.
  void run_once(base::Nanoseconds wait_max, ring::Sink& sink) override;
  void wake() override { wake_pending_.store(true); }
  [[nodiscard]] const ring::RingCounters& counters() const override { return counters_; }

 private:
  struct Operation;

  Operation& start(int fd, ring::Tag tag);
  int add_socket(std::shared_ptr<SimSocket> socket);
  [[nodiscard]] SimSocket* find(int fd) const;
  void submit_queued();
  void close_now(int fd);
  bool run_round(ring::Sink& sink);
  bool step(Operation& operation, ring::Sink& sink);
  bool step_accept(Operation& operation, SimSocket& socket, ring::Sink& sink);
  bool step_receive(Operation& operation, SimSocket& socket, ring::Sink& sink);
  bool receive_data(Operation& operation, SimSocket& socket, ring::Sink& sink);
  bool step_send(Operation& operation, SimSocket& socket, ring::Sink& sink);
  bool step_other(Operation& operation, SimSocket& socket, ring::Sink& sink);
  bool deliver_wake(ring::Sink& sink);
  void report(const Operation& operation,
              std::int32_t result,
              bool has_more,
              std::span<const std::byte> data,
              ring::Sink& sink);
  bool finish(Operation& operation, std::int32_t result, ring::Sink& sink);
  bool finish_soon(Operation& operation, std::int32_t result, ring::Sink& sink);
  void hold(Operation& operation, base::Nanoseconds time);
  bool happens(unsigned chance);
  std::size_t between(std::size_t low, std::size_t high);

  SimOptions options_;
  std::mt19937_64 random_;
  base::Nanoseconds now_{0};
  using Sockets = std::map<int, std::shared_ptr<SimSocket>>;
  std::shared_ptr<Sockets> sockets_ = std::make_shared<Sockets>();
  Sockets kept_;                                    ///< What this ring alone knows.
  std::vector<std::unique_ptr<Operation>> queued_;  ///< Called for, not yet submitted.
  std::vector<std::unique_ptr<Operation>> active_;
  std::atomic<bool> wake_pending_{false};
  ring::RingCounters counters_;
};

}  // namespace rondel::tests
