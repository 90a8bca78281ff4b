#include "tests/log/log_support.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <sstream>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "base/random.h"

namespace rondel::log::test {

PlainRing::PlainRing(Faults& faults) : faults_(faults), wake_fd_(::eventfd(0, EFD_NONBLOCK)) {
}
PlainRing::~PlainRing() {
  ::close(wake_fd_);
}

// The log uses none of these.
void PlainRing::accept(int, ring::Tag) {
  std::abort();
}
void PlainRing::receive(int, ring::Tag, ring::ReceiveMode) {
  std::abort();
}
void PlainRing::send_vector(int, std::span<const iovec>, ring::Tag) {
  std::abort();
}
void PlainRing::read(int, std::span<std::byte>, ring::Tag) {
  std::abort();
}
void PlainRing::sync(int, ring::Tag) {
  std::abort();
}
void PlainRing::poll(int, unsigned, ring::Tag) {
  std::abort();
}
void PlainRing::connect(int, const void*, unsigned, ring::Tag) {
  std::abort();
}
void PlainRing::cancel(ring::Tag) {
  std::abort();
}
void PlainRing::shut_down(int, int) {
  std::abort();
}
void PlainRing::close(int) {
  std::abort();
}

void PlainRing::send(int fd, std::span<const std::byte> bytes, ring::Tag tag) {
  operations_.push_back({fd, bytes, tag});
}
void PlainRing::write(int fd, std::span<const std::byte> bytes, ring::Tag tag) {
  operations_.push_back({fd, bytes, tag});
}

std::int32_t PlainRing::carry_out(const Operation& operation) const {
  ++faults_.writes;
  if (const int error_number = faults_.error_number) {
    if (faults_.good_writes == 0) {
      return -error_number;
    }
    --faults_.good_writes;
  }
  std::size_t count = operation.bytes.size();
  const std::int64_t bytes_max = faults_.bytes_max;
  if (operation.tag.op == ring::Op::write && bytes_max > 0) {
    count = std::min(count, static_cast<std::size_t>(bytes_max));
  }
  const ssize_t result = operation.tag.op == ring::Op::send
                             ? ::send(operation.fd, operation.bytes.data(), count, MSG_NOSIGNAL)
                             : ::write(operation.fd, operation.bytes.data(), count);
  return static_cast<std::int32_t>(result < 0 ? -errno : result);
}

void PlainRing::run_once(base::Nanoseconds wait_max, ring::Sink& sink) {
  if (!operations_.empty() && !faults_.is_held) {
    const Operation operation = operations_.front();
    operations_.pop_front();
    sink.completed({.tag = operation.tag, .result = carry_out(operation), .data = {}});
    return;
  }
  // A held ring looks again soon, since nothing tells it that it was released.
  const auto wait = std::chrono::duration_cast<base::Milliseconds>(wait_max);
  pollfd woken{wake_fd_, POLLIN, 0};
  ::poll(
      &woken, 1,
      static_cast<int>(faults_.is_held ? std::min<std::int64_t>(wait.count(), 1) : wait.count()));
  std::uint64_t count = 0;
  if (::read(wake_fd_, &count, sizeof count) > 0) {
    sink.completed({.tag = {ring::Op::wake, {}}, .data = {}});
  }
}

void PlainRing::wake() {
  ++faults_.wakes;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t ignored = ::write(wake_fd_, &one, sizeof one);
}

RingFactory plain_rings(Faults& faults) {
  return [&faults]() -> base::Result<std::unique_ptr<ring::Ring>> {
    return std::unique_ptr<ring::Ring>(new PlainRing(faults));
  };
}

bool StoringSink::take(const LineView& line) {
  if (lines.size() >= room) {
    return false;
  }
  lines.push_back({line.level, line.is_cut, line.output, line.time_ns, std::string(line.interface),
                   std::string(line.event), std::string(line.fields.jid), line.fields.connection,
                   std::string(line.fields.remote_address), std::string(line.text)});
  return true;
}

std::vector<std::string> StoringSink::texts() const {
  std::vector<std::string> out;
  for (const StoredLine& line : lines) {
    out.push_back(line.text);
  }
  return out;
}

TemporaryFolder::TemporaryFolder()
    : root_(std::filesystem::temp_directory_path() / ("rondel-log-" + base::random_token(6))) {
  std::filesystem::create_directories(root_);
}
TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

std::string contents_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> lines_of(const std::string& path) {
  std::istringstream text(contents_of(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    lines.push_back(line);
  }
  return lines;
}

void pause_briefly() {
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

}  // namespace rondel::log::test
