#include "log/writer/output.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace rondel::log {
namespace {

constexpr std::uint64_t kBlockedRetryMs = 20;
constexpr int kWriteNowWaitMs = 100;
constexpr std::size_t kEntriesMax = 8192;

base::Result<int> open_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
  if (fd < 0) {
    return base::Unexpected(base::system_error("cannot open the log file " + path, errno));
  }
  return fd;
}

base::Result<int> connect_datagram(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return base::Unexpected(base::Error("the path of the log socket is too long: " + path));
  }
  path.copy(address.sun_path, path.size());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return base::Unexpected(base::system_error("cannot make a log socket", errno));
  }
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    auto error = base::system_error("cannot connect to the log socket " + path, errno);
    ::close(fd);
    return base::Unexpected(std::move(error));
  }
  return fd;
}

base::Result<int> open_descriptor(const Destination& destination) {
  switch (destination.kind) {
    case Destination::Kind::standard_error:
      break;
    case Destination::Kind::file:
      return open_file(destination.path);
    case Destination::Kind::journal:
    case Destination::Kind::syslog:
      return connect_datagram(destination.path);
  }
  return STDERR_FILENO;
}

}  // namespace

base::Result<std::unique_ptr<Output>> Output::open(OutputOptions options) {
  RONDEL_TRY(const int fd, open_descriptor(options.destination));
  return std::unique_ptr<Output>(new Output(std::move(options), fd));
}

Output::Output(OutputOptions options, int fd)
    : options_(std::move(options)),
      fd_(fd),
      process_id_(::getpid()),
      batch_(std::make_unique_for_overwrite<char[]>(kBatchBytes)) {
  entries_.reserve(kEntriesMax);
}

Output::~Output() {
  if (fd_ != STDERR_FILENO) {
    ::close(fd_);
  }
}

bool Output::take(const LineView& line) {
  if (is_writing_) {
    return false;
  }
  // One line always waits to be tried with: without an error, nothing else would find out that the
  // destination takes lines again.
  if (is_failing() && !is_kept(line.level) && !empty()) {
    ++dropped_[static_cast<std::size_t>(line.level)];
    return true;
  }
  if (kBatchBytes - end() < kRenderedBytesMax || entries_.size() == kEntriesMax) {
    if (is_failing() && options_.form == Form::verbatim) {
      ++dropped_[static_cast<std::size_t>(line.level)];
      return true;
    }
    return false;
  }
  const std::span<char> room(batch_.get() + end(), kBatchBytes - end());
  const std::size_t bytes = render(room, options_.form, line, identity());
  entries_.push_back({end() + static_cast<std::uint32_t>(bytes), line.level});
  return true;
}

void Output::start(ring::Ring& ring, ring::Tag tag, std::uint64_t now_ms) {
  if (is_writing_ || empty() || now_ms < retry_at_ms_) {
    return;
  }
  if (is_failing() && is_datagram() && !reopen()) {
    // Whoever listens there has gone and may come back under the same path.
    retry_at_ms_ = now_ms + options_.retry_ms;
    return;
  }
  is_writing_ = true;
  const std::uint32_t until = is_datagram() ? entries_[first_].end : end();
  const auto bytes = std::as_bytes(std::span(batch_.get() + begin_, until - begin_));
  if (is_datagram()) {
    ring.send(fd_, bytes, tag);
  } else {
    ring.write(fd_, bytes, tag);
  }
}

void Output::completed(std::int32_t result, std::uint64_t now_ms) {
  is_writing_ = false;
  if (result == -EINTR) {
    return;
  }
  if (result == -EMSGSIZE && is_datagram()) {
    // Never sendable: trying again would hold up all that follow.
    ++dropped_[static_cast<std::size_t>(entries_[first_].level)];
    written(entries_[first_].end - begin_);
    return;
  }
  if (result <= 0) {
    failed(result == 0 ? EIO : -result, now_ms);
    return;
  }
  if (is_failing()) {
    recovered_after_ms_ = std::max<std::uint64_t>(now_ms - failed_at_ms_, 1);
  }
  failed_at_ms_ = blocked_since_ms_ = retry_at_ms_ = 0;
  has_reconnected_ = false;
  written(static_cast<std::uint32_t>(result));
}

void Output::written(std::uint32_t bytes) {
  begin_ += bytes;
  while (first_ < entries_.size() && entries_[first_].end <= begin_) {
    ++first_;
  }
  if (empty()) {
    entries_.clear();
    first_ = begin_ = 0;
  }
}

void Output::failed(int error_number, std::uint64_t now_ms) {
  failure_ = error_number;
  if (!is_failing() && is_datagram() && !has_reconnected_ && error_number != EAGAIN) {
    // A daemon that was started anew listens at the same path: it gets this very line.
    has_reconnected_ = true;
    if (reopen()) {
      return;
    }
  }
  if (!is_failing() && error_number == EAGAIN) {
    // A full pipe is a slow reader, not a failure, unless it lasts.
    blocked_since_ms_ = blocked_since_ms_ == 0 ? now_ms : blocked_since_ms_;
    if (now_ms - blocked_since_ms_ < options_.retry_ms) {
      retry_at_ms_ = now_ms + kBlockedRetryMs;
      return;
    }
  }
  if (!is_failing()) {
    failed_at_ms_ = std::max<std::uint64_t>(now_ms, 1);
    keep_errors_only();
  }
  retry_at_ms_ = now_ms + options_.retry_ms;
}

void Output::keep_errors_only() {
  std::vector<Entry> kept;
  kept.reserve(kEntriesMax);
  std::uint32_t to = 0;
  std::uint32_t from = begin_;
  const std::uint32_t line_start = first_ == 0 ? 0 : entries_[first_ - 1].end;
  const bool is_torn = begin_ != line_start && !is_datagram();
  for (std::size_t i = first_; i < entries_.size(); ++i) {
    const auto [line_end, level] = entries_[i];
    if (is_kept(level)) {
      std::memmove(batch_.get() + to, batch_.get() + from, line_end - from);
      to += line_end - from;
      kept.push_back({to, level});
    } else {
      ++dropped_[static_cast<std::size_t>(level)];
      if (i == first_ && is_torn) {
        // Half of it is in the file: what follows begins on a line of its own.
        batch_[to++] = '\n';
        kept.push_back({to, Level::error});
      }
    }
    from = line_end;
  }
  entries_ = std::move(kept);
  first_ = begin_ = 0;
}

base::Result<void> Output::reopen() {
  if (fd_ == STDERR_FILENO) {
    return {};
  }
  RONDEL_TRY(const int fresh, open_descriptor(options_.destination));
  // The number stays: other threads write to it in an emergency. Never dup2: it must stay
  // close-on-exec.
  const int result = ::dup3(fresh, fd_, O_CLOEXEC);
  const int error_number = errno;
  ::close(fresh);
  if (result < 0) {
    return base::Unexpected(base::system_error("cannot reopen " + path(), error_number));
  }
  return {};
}

bool Output::write_blocking(const char* bytes, std::size_t count) const {
  while (count > 0) {
    pollfd ready{fd_, POLLOUT, 0};
    if (::poll(&ready, 1, kWriteNowWaitMs) <= 0) {
      return false;
    }
    const ssize_t result = is_datagram() ? ::send(fd_, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT)
                                         : ::write(fd_, bytes, count);
    if (result < 0 && errno == EINTR) {
      continue;
    }
    if (result <= 0) {
      return false;
    }
    bytes += result;
    count -= static_cast<std::size_t>(result);
  }
  return true;
}

bool Output::write_now_blocking(const LineView& line, std::span<char> room) const {
  return write_blocking(room.data(), render(room, options_.form, line, identity()));
}

void Output::flush_crashing() {
  if (!is_datagram()) {
    write_blocking(batch_.get() + begin_, end() - begin_);
    return;
  }
  for (; first_ < entries_.size(); ++first_) {
    write_blocking(batch_.get() + begin_, entries_[first_].end - begin_);
    begin_ = entries_[first_].end;
  }
}

}  // namespace rondel::log
