// What the tests of the log share: a ring that tests can hold and make fail, and readers.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "log/hub.h"
#include "log/writer/log_writer.h"
#include "ring/ring.h"

namespace rondel::log::test {

/// How a PlainRing misbehaves; set from the test's thread.
struct Faults {
  std::atomic<bool> is_held{false};        ///< Writes are not carried out until it is false again.
  std::atomic<int> error_number{0};        ///< Every write fails with it.
  std::atomic<std::int64_t> bytes_max{0};  ///< Writes are cut to it; 0: they are not.
  std::atomic<int> good_writes{0};         ///< So many writes succeed before error_number counts.
  std::atomic<int> writes{0};              ///< Carried out, failed ones included.
  std::atomic<int> wakes{0};
};

/// A ring that knows write, send and wake, and carries them out with plain calls.
class PlainRing final : public ring::Ring {
 public:
  explicit PlainRing(Faults& faults);
  ~PlainRing() override;

  void accept(int fd, ring::Tag tag) override;
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
  int keep(int fd) override { return fd; }
  void run_once(base::Nanoseconds wait_max, ring::Sink& sink) override;
  void wake() override;
  [[nodiscard]] const ring::RingCounters& counters() const override { return counters_; }

 private:
  struct Operation {
    int fd;
    std::span<const std::byte> bytes;
    ring::Tag tag;
  };
  [[nodiscard]] std::int32_t carry_out(const Operation& operation) const;

  Faults& faults_;
  int wake_fd_;
  std::deque<Operation> operations_;
  ring::RingCounters counters_;
};

/// A factory of PlainRings for LogWriter::create().
[[nodiscard]] RingFactory plain_rings(Faults& faults);

/// A line with texts of its own.
struct StoredLine {
  Level level;
  bool is_cut;
  std::uint16_t output;
  std::int64_t time_ns;
  std::string interface;
  std::string event;
  std::string jid;
  base::ConnectionId connection;
  std::string remote_address;
  std::string text;
};

/// Keeps what it takes; refuses more than `room` lines.
struct StoringSink final : LineSink {
  bool take(const LineView& line) override;
  [[nodiscard]] std::vector<std::string> texts() const;

  std::size_t room = ~std::size_t{0};
  std::vector<StoredLine> lines;
};

/// A folder that goes with the test.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  [[nodiscard]] std::string path(std::string_view name) const { return (root_ / name).string(); }

 private:
  std::filesystem::path root_;
};

[[nodiscard]] std::string contents_of(const std::string& path);
[[nodiscard]] std::vector<std::string> lines_of(const std::string& path);
/// Polls until `condition` holds; false after ten seconds.
template <class F>
[[nodiscard]] bool becomes_true(F&& condition);

/// Sleeps a little; for becomes_true().
void pause_briefly();

template <class F>
bool becomes_true(F&& condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) {
      return true;
    }
    pause_briefly();
  }
  return false;
}

}  // namespace rondel::log::test
