// One open destination with the lines that it has not taken yet.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "log/hub.h"
#include "log/writer/destination.h"
#include "log/writer/render.h"
#include "ring/ring.h"

namespace rondel::log {

/// What an Output opens.
struct OutputOptions {
  Destination destination{};
  Form form = Form::text;
  std::string program = "rondeld";
  std::uint32_t retry_ms = 1000;
};

/// Collects rendered lines into a batch and has the ring write it; keeps errors while the
/// destination fails.
///
/// Thread: the writer's, but for write_now_blocking(). Owner: WriterThread.
/// Limits: kBatchBytes; then take() refuses, and a failing file channel drops.
class Output {
 public:
  static constexpr std::size_t kBatchBytes = 256 * 1024;

  static base::Result<std::unique_ptr<Output>> open(OutputOptions options);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// False: no room now. A line that is dropped because the destination fails counts as taken.
  ///
  /// Takes nothing while a write is under way, so that an error that comes meanwhile leads the next
  /// batch.
  bool take(const LineView& line);
  /// Starts writing what was taken, unless a write is under way or a failing destination is not due
  /// yet.
  void start(ring::Ring& ring, ring::Tag tag, std::uint64_t now_ms);
  void completed(std::int32_t result, std::uint64_t now_ms);

  /// Opens the path anew under the same descriptor. Does nothing for stderr. Errors: the old file
  /// stays.
  base::Result<void> reopen();
  /// Writes one line past the batch, or fails within 100 ms; renders it into `room`, which has
  /// kRenderedBytesMax. Thread: any. Signal-safe.
  bool write_now_blocking(const LineView& line, std::span<char> room) const;
  /// Writes what is in the batch. For a crash: signal-safe, the writer stands still.
  void flush_crashing();

  [[nodiscard]] bool empty() const { return first_ == entries_.size(); }
  [[nodiscard]] bool is_writing() const { return is_writing_; }
  [[nodiscard]] bool is_failing() const { return failed_at_ms_ != 0; }
  /// When start() will try again; 0: at once.
  [[nodiscard]] std::uint64_t retry_at_ms() const { return retry_at_ms_; }
  /// The error of the last try while failing.
  [[nodiscard]] int failure() const { return failure_; }
  /// Milliseconds that a failure lasted which has ended since the last call; 0 if none has.
  [[nodiscard]] std::uint64_t take_recovery_ms() { return std::exchange(recovered_after_ms_, 0); }
  /// Lines dropped while failing, by level; only grow.
  [[nodiscard]] std::uint64_t dropped(Level level) const {
    return dropped_[static_cast<std::size_t>(level)];
  }
  [[nodiscard]] const std::string& path() const { return options_.destination.path; }
  [[nodiscard]] Destination::Kind kind() const { return options_.destination.kind; }

 private:
  struct Entry {
    std::uint32_t end;  ///< It begins where the one before it ends.
    Level level;
  };

  Output(OutputOptions options, int fd);
  [[nodiscard]] bool is_datagram() const {
    return options_.form == Form::journal || options_.form == Form::syslog;
  }
  [[nodiscard]] bool is_kept(Level level) const {
    return level == Level::error || options_.form == Form::verbatim;
  }
  [[nodiscard]] std::uint32_t end() const { return entries_.empty() ? 0 : entries_.back().end; }
  [[nodiscard]] Identity identity() const { return {options_.program, process_id_}; }
  void written(std::uint32_t bytes);
  void failed(int error_number, std::uint64_t now_ms);
  void keep_errors_only();
  bool write_blocking(const char* bytes, std::size_t count) const;

  const OutputOptions options_;
  const int fd_;
  const int process_id_;
  std::unique_ptr<char[]> batch_;
  std::vector<Entry> entries_;
  std::size_t first_ = 0;    ///< The first entry that is not written in full.
  std::uint32_t begin_ = 0;  ///< The first byte that is not written.
  bool is_writing_ = false;
  bool has_reconnected_ = false;  ///< Since the last line that was sent.
  std::uint64_t failed_at_ms_ = 0;
  std::uint64_t blocked_since_ms_ = 0;
  std::uint64_t retry_at_ms_ = 0;
  std::uint64_t recovered_after_ms_ = 0;
  int failure_ = 0;
  std::array<std::uint64_t, kLevels> dropped_{};
};

}  // namespace rondel::log
