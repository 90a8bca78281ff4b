#include "log/writer/log_writer.h"

#include <cstdio>
#include <cstdlib>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "log/writer/crash_flush.h"
#include "log/writer/writer_thread.h"
#include "ring/uring_ring.h"

namespace rondel::log {
namespace {

// systemd sets "device:inode" of the stream that it gave us; a redirected stderr no longer is that
// stream. Source: systemd.exec(5), $JOURNAL_STREAM.
bool is_journal_stderr() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  unsigned long long device = 0;
  unsigned long long inode = 0;
  return stream && std::sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
         ::fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

Form form_of(const LogWriterOptions& options) {
  switch (options.destination.kind) {
    case Destination::Kind::journal:
      return Form::journal;
    case Destination::Kind::syslog:
      return Form::syslog;
    case Destination::Kind::file:
      return Form::text;
    case Destination::Kind::standard_error:
      break;
  }
  const bool has_prefix =
      options.priority_prefix == PriorityPrefix::always ||
      (options.priority_prefix == PriorityPrefix::detect && is_journal_stderr());
  return has_prefix ? Form::prefixed_text : Form::text;
}

}  // namespace

RingFactory uring_factory() {
  return []() -> base::Result<std::unique_ptr<ring::Ring>> {
    // One operation for each output can be under way, and one wake-up.
    ring::UringOptions options;
    options.submission_entries = 64;
    options.completion_entries = 256;
    options.receive_buffers = 0;
    RONDEL_TRY(std::unique_ptr<ring::Ring> ring, ring::UringRing::create(options));
    return ring;
  };
}

base::Result<std::unique_ptr<LogWriter>> LogWriter::create(Hub& hub,
                                                           LogWriterOptions options,
                                                           RingFactory make_ring) {
  OutputOptions output_options{.destination = options.destination,
                               .form = form_of(options),
                               .program = options.program,
                               .retry_ms = options.retry_ms};
  RONDEL_TRY(auto output, Output::open(std::move(output_options)));
  auto thread = std::make_unique<WriterThread>(hub, std::move(options), std::move(output));
  RONDEL_TRY_VOID(thread->start(std::move(make_ring)));
  return std::unique_ptr<LogWriter>(new LogWriter(std::move(thread)));
}

LogWriter::LogWriter(std::unique_ptr<WriterThread> thread) : thread_(std::move(thread)) {
}

LogWriter::~LogWriter() {
  stop();
  forget_crash_handlers(*thread_);
}

void LogWriter::stop() {
  thread_->stop();
}
void LogWriter::reopen() {
  thread_->reopen();
}
void LogWriter::install_crash_flush() {
  install_crash_handlers(*thread_);
}

base::Result<const FileChannel*> LogWriter::open_file_channel(const std::string& path) {
  return thread_->open_file_channel(path);
}

}  // namespace rondel::log
