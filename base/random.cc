#include "base/random.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/random.h>

#include "base/byte_buffer.h"
#include "base/check.h"
#include "base/encoding.h"

namespace rondel::base {
namespace {

/// Random bytes in advance, for identifiers: a system call for each would cost more than the rest.
/// Each byte is handed out once and wiped; a process that forked would hand them out twice.
class RandomPool {
 public:
  void take(std::span<std::byte> out) {
    while (!out.empty()) {
      if (at_ == bytes_.size()) {
        random_bytes(bytes_);
        at_ = 0;
      }
      const std::size_t count = std::min(out.size(), bytes_.size() - at_);
      const auto taken = std::span(bytes_).subspan(at_, count);
      std::copy(taken.begin(), taken.end(), out.begin());
      wipe(taken);
      at_ += count;
      out = out.subspan(count);
    }
  }

 private:
  std::array<std::byte, 512> bytes_;
  std::size_t at_ = bytes_.size();
};

void take_from_pool(std::span<std::byte> out) {
  thread_local RandomPool pool;
  pool.take(out);
}

}  // namespace

void random_bytes(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      RONDEL_CHECK(errno == EINTR);
      continue;
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

std::uint64_t random_u64() {
  std::uint64_t value;
  take_from_pool(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

std::string random_token(std::size_t count) {
  std::string bytes(count, '\0');
  take_from_pool(std::as_writable_bytes(std::span(bytes)));
  return base64url_encode(bytes);
}

}  // namespace rondel::base
