// Where lines wait for the writer: three lanes for each thread, and what happens when they are
// full.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "log/lane.h"
#include "log/line.h"

namespace rondel::log {

/// Takes lines out of the hub, on the writer's thread.
class LineSink {
 public:
  virtual ~LineSink() = default;
  /// False: no room; the line stays where it is.
  virtual bool take(const LineView& line) = 0;
};

/// The writer as the hub knows it.
class HubReader {
 public:
  virtual ~HubReader() = default;
  /// Ends the reader's sleep. Thread: any.
  virtual void wake() = 0;
  /// Writes an error line that found every queue full, at once. False if the destination did not
  /// take it. Thread: any; may block for a bounded time.
  virtual bool write_now_blocking(const LineView& line) = 0;
};

/// How much may wait; lanes have at least Hub::kLaneBytesMin.
struct HubOptions {
  std::uint32_t threads_max = 64;  ///< Threads with lanes of their own; at most Hub::kThreadsMax.
  std::size_t error_lane_bytes = 64 * 1024;
  std::size_t info_lane_bytes = 256 * 1024;
  std::size_t debug_lane_bytes = 256 * 1024;
  std::size_t verbatim_lane_bytes = 256 * 1024;    ///< Made by a thread's first verbatim line.
  std::size_t emergency_lane_bytes = 1024 * 1024;  ///< Shared; error lines only.
};

/// One producer's lanes.
struct ThreadLanes {
  enum Kind : std::uint8_t { error, info, debug, verbatim, kinds };

  explicit ThreadLanes(const HubOptions& options, std::uint16_t index_in_hub);
  ~ThreadLanes();

  const std::uint16_t index;
  std::array<Lane, 3> lanes;
  std::atomic<Lane*> verbatim_lane{nullptr};
  std::array<std::atomic<std::uint64_t>, kinds> dropped{};  ///< Only grow. Written by the producer.
  /// This thread's error lines in the emergency lane; while there are any, the next ones go there,
  /// too, so that they stay in order.
  std::atomic<std::uint32_t> spilled{0};
  std::atomic<bool> is_taken{true};
};

/// All lanes of the process, between any number of Channels and one reader.
///
/// Made before the writer and gone after it: lines written before the writer starts wait for it.
/// Lines are taken in this order: every error, then every info, then every debug line, then
/// verbatim lines. Thread: submit() any, drain() the reader's. Owner: main, or a test, which can
/// drain it by itself.
class Hub {
 public:
  static constexpr std::size_t kThreadsMax = 256;
  static constexpr std::size_t kLaneBytesMin = 32 * 1024;  ///< Four of the longest lines.

  explicit Hub(HubOptions options = {});
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  /// Queues a line, or drops and counts it; see log/README.md. False if it was dropped.
  bool submit(const LineView& line);
  bool submit_verbatim(const LineView& line);
  /// See log::register_thread().
  bool register_thread();

  /// Gives lines to `sink`, most urgent first, until there are none or it refuses. Allocates and
  /// locks nothing, so that a crash handler may call it. True if nothing is left.
  bool drain(LineSink& sink);
  [[nodiscard]] bool empty() const;
  /// Lines dropped since the start, by kind.
  [[nodiscard]] std::uint64_t dropped(ThreadLanes::Kind kind) const;

  /// From now on `reader` gets wake-ups and last-resort lines; it lives as long as the hub's
  /// producers. Null: none.
  void set_reader(HubReader* reader) { reader_.store(reader, std::memory_order_release); }
  /// The reader is about to sleep for long: the next line wakes it, once.
  ///
  /// The flag and the lines are not ordered by a fence, which would cost every line some 20 ns: a
  /// wake-up may be missed, so the reader bounds its sleep and looks for lines once more after this
  /// call.
  void set_sleeping(bool is_sleeping) {
    is_sleeping_.store(is_sleeping, std::memory_order_seq_cst);
  }
  /// Nobody drains any more: error lines go to HubReader::write_now_blocking() from now on.
  void close() { is_closed_.store(true, std::memory_order_release); }

 private:
  ThreadLanes* lanes_of_this_thread();
  ThreadLanes* take_lanes();
  bool submit_to(ThreadLanes& lanes, const LineView& line);
  bool submit_error(ThreadLanes& lanes, const LineView& line);
  bool spill(ThreadLanes& lanes, const LineView& line);
  bool submit_verbatim_to(ThreadLanes& lanes, const LineView& line);
  bool drain_emergency(LineSink& sink);
  void wake_reader();

  const HubOptions options_;
  const std::uint64_t id_;  ///< Tells hubs apart in the threads' memory; never used twice.
  std::array<std::shared_ptr<ThreadLanes>, kThreadsMax> owned_;
  /// What the reader sees; slot 0 is shared by the threads beyond the limit.
  std::array<std::atomic<ThreadLanes*>, kThreadsMax> slots_{};
  std::atomic<std::size_t> slots_used_{1};
  std::mutex registration_;
  std::mutex shared_;  ///< Serialises the producers of slot 0.
  Lane emergency_;
  std::atomic_flag emergency_is_busy_;
  std::atomic<bool> is_sleeping_{false};
  std::atomic<bool> is_closed_{false};
  std::atomic<HubReader*> reader_{nullptr};
};

}  // namespace rondel::log
