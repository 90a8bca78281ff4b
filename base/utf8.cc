#include "base/utf8.h"

#include <cstdint>
#include <cstring>

namespace rondel::base {
namespace {

unsigned char byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

}  // namespace

std::size_t utf8_sequence_bytes(std::string_view text, std::size_t at) {
  const unsigned char lead = byte_at(text, at);
  if (lead < 0x80) {
    return 1;
  }
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() - at < bytes) {
    return 0;
  }
  for (std::size_t k = 1; k < bytes; ++k) {
    if ((byte_at(text, at + k) & 0xc0) != 0x80) {
      return 0;
    }
  }
  const unsigned char second = byte_at(text, at + 1);
  const bool is_overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool is_outside = (lead == 0xed && second > 0x9f) || (lead == 0xf4 && second > 0x8f);
  return is_overlong || is_outside ? 0 : bytes;
}

bool is_valid_utf8(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080'8080'8080'8080ULL;
  for (std::size_t at = 0; at < text.size();) {
    if (byte_at(text, at) < 0x80) {
      std::uint64_t word = 0;
      if (text.size() - at >= sizeof word) {
        std::memcpy(&word, text.data() + at, sizeof word);
        at += (word & kHighBits) == 0 ? sizeof word : 1;
      } else {
        ++at;
      }
      continue;
    }
    // Two bytes, which most letters beyond ASCII have, without a call.
    if (byte_at(text, at) >= 0xc2 && byte_at(text, at) < 0xe0 && text.size() - at >= 2 &&
        (byte_at(text, at + 1) & 0xc0) == 0x80) {
      at += 2;
      continue;
    }
    const std::size_t bytes = utf8_sequence_bytes(text, at);
    if (bytes == 0) {
      return false;
    }
    at += bytes;
  }
  return true;
}

}  // namespace rondel::base
