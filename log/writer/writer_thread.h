// What LogWriter's thread runs.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "log/writer/log_writer.h"
#include "log/writer/output.h"

namespace rondel::log {

/// Who may take lines out of the hub and touch the outputs: the writer, or a crash handler that
/// took it for good.
///
/// Signal-safe. Thread: any.
class ReaderSeat {
 public:
  /// Waits for ever if a crash handler has the seat: the process is dying.
  void take();
  void leave() { state_.store(kFree, std::memory_order_release); }
  /// Takes the seat for good, after `wait_max_ms` even from a writer that holds it.
  void take_for_crash(int wait_max_ms);

 private:
  static constexpr int kFree = 0;
  static constexpr int kWriter = 1;
  static constexpr int kCrash = 2;
  std::atomic<int> state_{kFree};
};

/// The writer's loop: drain the hub into batches, write them through the ring, sleep.
///
/// Thread: run() and completed() on its own; the others as LogWriter says.
class WriterThread final : public HubReader, private LineSink, private ring::Sink {
 public:
  WriterThread(Hub& hub, LogWriterOptions options, std::unique_ptr<Output> main_output);
  ~WriterThread() override;

  base::Result<void> start(RingFactory make_ring);
  void stop();
  void reopen();
  base::Result<const FileChannel*> open_file_channel(const std::string& path);

  /// Writes what is queued, then that `signal_number` ends the process. Signal-safe.
  void flush_crashing(int signal_number);

  void wake() override;
  bool write_now_blocking(const LineView& line) override;

 private:
  void run();
  void drop_ring();
  bool take(const LineView& line) override;
  void completed(const ring::Completion& completion) override;

  void turn(std::uint64_t now_ms);
  void wait(std::uint64_t now_ms);
  void reopen_all();
  void report_recovery();
  void report_failure();
  void report_drops(std::uint64_t now_ms);
  bool report(Level level, std::string_view event, std::string_view text);
  [[nodiscard]] std::uint64_t dropped(std::size_t kind) const;
  [[nodiscard]] bool is_done() const;
  [[nodiscard]] std::size_t outputs_used() const {
    return outputs_used_.load(std::memory_order_acquire);
  }

  Hub& hub_;
  const LogWriterOptions options_;
  std::thread thread_;
  std::unique_ptr<ring::Ring>
      ring_;  ///< Made, used and destroyed on thread_; wake() alone from others.
  std::atomic<bool> may_wake_{false};
  std::atomic<int> waking_{0};  ///< Threads inside wake().
  ReaderSeat seat_;
  std::atomic<bool> is_stopping_{false};
  std::atomic<bool> is_reopen_asked_{false};

  // Output 0 is the log; those behind it belong to channels_. Slots below outputs_used_ never
  // change.
  std::array<std::unique_ptr<Output>, LogWriter::kFileChannelsMax + 1> outputs_;
  std::array<std::unique_ptr<FileChannel>, LogWriter::kFileChannelsMax + 1> channels_;
  std::atomic<std::size_t> outputs_used_{1};
  std::mutex opening_;  ///< Between threads that open file channels.

  /// A signal stack is smaller than a rendered line may be.
  std::array<char, kRenderedBytesMax> crash_room_;

  // The writer's own.
  bool was_failing_ = false;
  std::uint64_t active_at_ms_ = 0;  ///< When the last line came.
  std::uint64_t reported_at_ms_ = 0;
  std::array<std::uint64_t, kLevels> reported_{};
  std::array<std::uint64_t, LogWriter::kFileChannelsMax + 1> reported_of_file_{};
};

}  // namespace rondel::log
