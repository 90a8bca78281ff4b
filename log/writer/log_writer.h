// The thread that writes the log, with a ring of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_function.h"
#include "log/hub.h"
#include "log/log.h"
#include "log/writer/destination.h"
#include "ring/ring.h"

namespace rondel::log {

class WriterThread;

/// Makes the writer's ring; called once, on the writer's thread.
using RingFactory = base::UniqueFunction<base::Result<std::unique_ptr<ring::Ring>>()>;

/// Makes a small UringRing: what the server gives to LogWriter::create().
[[nodiscard]] RingFactory uring_factory();

/// Whether lines on stderr begin with `<3>`, `<6>` or `<7>`.
///
/// `detect`: if $JOURNAL_STREAM names our stderr, that is, if systemd reads it into the journal,
/// which understands them. Such lines carry no time of their own. On a terminal, in a pipe and in a
/// redirected file: a time and no prefix.
enum class PriorityPrefix : std::uint8_t { detect, always, never };

struct LogWriterOptions {
  Destination destination{};
  PriorityPrefix priority_prefix = PriorityPrefix::detect;
  std::string program = "rondeld";   ///< Tag in syslog and SYSLOG_IDENTIFIER in the journal.
  std::uint32_t retry_ms = 1000;     ///< Between tries of a destination that takes nothing.
  std::uint32_t stop_max_ms = 5000;  ///< stop() gives up then, if the destination takes nothing.
};

/// Takes lines from the hub and writes them out, errors first, then info, then debug.
///
/// A destination that fails (ENOSPC, EPIPE, …) is tried again every `retry_ms`, a socket by
/// connecting anew. Meanwhile errors are kept, in the batch, in their lanes and in the emergency
/// lane; info and debug lines are dropped and counted. When it recovers, the log says for how long
/// it failed and what is missing. A file that fails is reported on stderr, once. Thread: create,
/// stop and destroy on one; reopen() and open_file_channel() on any. Owner: main. Lives until
/// nothing logs any more; lines that come after stop() are lost, but for errors, which are written
/// at once.
class LogWriter {
 public:
  static constexpr std::size_t kFileChannelsMax = 63;

  /// Opens the destination and starts the thread.
  ///
  /// Errors: a destination that cannot be opened, a ring that cannot be made.
  static base::Result<std::unique_ptr<LogWriter>> create(Hub& hub,
                                                         LogWriterOptions options,
                                                         RingFactory make_ring);
  ~LogWriter();  ///< stop()s.
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  /// Writes out everything that was logged before the call, then ends the thread. The second call
  /// does nothing.
  void stop();

  /// Opens every file anew under its name (HUP, after logrotate moved it); returns at once.
  ///
  /// A file that cannot be opened stays as it is, and the log says so.
  void reopen();

  /// A channel into a file of its own; the same path gives the same channel again.
  ///
  /// A line that finds its lane full, or a file that takes nothing (once 256 KiB wait for it), is
  /// dropped and counted, and the count is logged as "N lines of FILE were dropped". The channel
  /// lives as long as the writer. Errors: a file that cannot be opened, more than kFileChannelsMax
  /// files.
  base::Result<const FileChannel*> open_file_channel(const std::string& path);

  /// From now on SIGSEGV, SIGABRT, SIGBUS, SIGILL and SIGFPE write out what is queued before the
  /// process dies of them.
  ///
  /// Uses async-signal-safe calls only. What was being written at that moment may appear twice. One
  /// writer of a process can have it; the destructor takes it back.
  void install_crash_flush();

 private:
  explicit LogWriter(std::unique_ptr<WriterThread> thread);

  std::unique_ptr<WriterThread> thread_;
};

}  // namespace rondel::log
