// The front end of the log: any thread writes lines, none of them waits.
//
//   RONDEL_LOG_INFO(log_, "c2s.bound", "resource={}", resource);
//   RONDEL_LOG_INFO_WITH(log_, (log::Fields{.jid = jid, .connection = id}), "c2s.bound",
//   "resource={}", resource);
#pragma once

#include <atomic>
#include <fmt/core.h>
#include <string>
#include <string_view>
#include <utility>

#include "log/line.h"

namespace rondel::log {

class Hub;

/// Where lines come from, and how many of them are wanted.
struct Source {
  std::string interface {};   ///< Name of a configured interface; empty for the server itself.
  Level level = Level::info;  ///< Lines behind this one are not made.
};

/// What an interface, a module or the server logs through.
///
/// Thread: any. Owner: whoever logs; the Hub must outlive it. Lines already written do not need it
/// any more.
class Channel {
 public:
  Channel(Hub& hub, Source source);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// One load and a comparison.
  [[nodiscard]] bool is_enabled(Level level) const {
    return level <= level_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] Level level() const { return level_.load(std::memory_order_relaxed); }
  /// Takes effect at once on every thread: a reload calls it while shards log.
  void set_level(Level level) { level_.store(level, std::memory_order_relaxed); }
  [[nodiscard]] const std::string& interface() const { return interface_; }

  /// Formats a line into this thread's lane, whatever the level limit is; use the macros below.
  ///
  /// Allocates nothing, makes no system call but to wake a writer that sleeps (at most one for each
  /// of its sleeps), and never waits, except for an error line that finds every queue full (see
  /// log/README.md, "Overflow").
  template <class... Args>
  void write(Level level,
             const Fields& fields,
             Event event,
             fmt::format_string<Args...> format,
             Args&&... args) const {
    write_formatted(level, fields, event.name(), format, fmt::make_format_args(args...));
  }

 private:
  void write_formatted(Level level,
                       const Fields& fields,
                       std::string_view event,
                       fmt::string_view format,
                       fmt::format_args args) const;

  Hub& hub_;
  const std::string interface_;
  std::atomic<Level> level_;
};

/// Lines that go to a file of their own as they are, with a line feed behind each; made by
/// LogWriter::open_file_channel().
///
/// Control characters are the caller's business (log/escape.h has what it takes). A line that finds
/// the lane full is dropped and counted, and the log says how many were. Thread: any. Limits:
/// kVerbatimBytesMax for a line.
class FileChannel {
 public:
  FileChannel(Hub& hub, std::string path, std::uint16_t output)
      : hub_(hub), path_(std::move(path)), output_(output) {}
  FileChannel(const FileChannel&) = delete;
  FileChannel& operator=(const FileChannel&) = delete;

  /// Never waits. False if the line was dropped.
  bool write_line(std::string_view line) const;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t lines_dropped() const {
    return lines_dropped_.load(std::memory_order_relaxed);
  }

 private:
  Hub& hub_;
  const std::string path_;
  const std::uint16_t output_;
  mutable std::atomic<std::uint64_t> lines_dropped_{0};
};

/// Gives this thread its own lanes now, so that its first line allocates nothing.
///
/// False if all are taken: such a thread shares lanes under a mutex; no shard may be one. Lanes are
/// given back when the thread ends.
bool register_thread(Hub& hub);

}  // namespace rondel::log

/// A line of `level` with fields; the arguments are evaluated only if the channel wants the line.
#define RONDEL_LOG(channel, level, fields, event, ...)                   \
  do {                                                                   \
    const ::rondel::log::Channel& rondel_log_channel = (channel);        \
    if (rondel_log_channel.is_enabled(level)) [[unlikely]] {             \
      rondel_log_channel.write((level), (fields), (event), __VA_ARGS__); \
    }                                                                    \
  } while (false)

#define RONDEL_LOG_ERROR_WITH(channel, fields, event, ...) \
  RONDEL_LOG(channel, ::rondel::log::Level::error, fields, event, __VA_ARGS__)
#define RONDEL_LOG_INFO_WITH(channel, fields, event, ...) \
  RONDEL_LOG(channel, ::rondel::log::Level::info, fields, event, __VA_ARGS__)
#define RONDEL_LOG_DEBUG_WITH(channel, fields, event, ...) \
  RONDEL_LOG(channel, ::rondel::log::Level::debug, fields, event, __VA_ARGS__)

#define RONDEL_LOG_ERROR(channel, event, ...) \
  RONDEL_LOG_ERROR_WITH(channel, ::rondel::log::Fields{}, event, __VA_ARGS__)
#define RONDEL_LOG_INFO(channel, event, ...) \
  RONDEL_LOG_INFO_WITH(channel, ::rondel::log::Fields{}, event, __VA_ARGS__)
#define RONDEL_LOG_DEBUG(channel, event, ...) \
  RONDEL_LOG_DEBUG_WITH(channel, ::rondel::log::Fields{}, event, __VA_ARGS__)
