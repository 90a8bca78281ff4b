#include "base/random.h"

#include <cerrno>
#include <sys/random.h>

#include "base/byte_buffer.h"
#include "base/check.h"
#include "base/encoding.h"

namespace rondel::base {

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
  random_bytes(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

std::string random_token(std::size_t count) {
  std::string bytes(count, '\0');
  random_bytes(std::as_writable_bytes(std::span(bytes)));
  return base64url_encode(bytes);
}

}  // namespace rondel::base
