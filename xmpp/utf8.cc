#include "xmpp/utf8.h"

#include <cstddef>

namespace rondel::xmpp {
namespace {

/// What may follow a first byte: how many bytes, and the range of the first of them.
struct Sequence {
  std::size_t more;
  unsigned char low;
  unsigned char high;
};

constexpr Sequence sequence_of(unsigned char first) {
  if (first >= 0xc2 && first <= 0xdf) {
    return {1, 0x80, 0xbf};
  }
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned char low = first == 0xe0 ? 0xa0 : 0x80;   // else overlong
    const unsigned char high = first == 0xed ? 0x9f : 0xbf;  // else a surrogate
    return {2, low, high};
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned char low = first == 0xf0 ? 0x90 : 0x80;   // else overlong
    const unsigned char high = first == 0xf4 ? 0x8f : 0xbf;  // else beyond U+10FFFF
    return {3, low, high};
  }
  return {0, 0, 0};
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i++]);
    if (first < 0x80) {
      continue;
    }
    const Sequence sequence = sequence_of(first);
    if (sequence.more == 0 || text.size() - i < sequence.more) {
      return false;
    }
    for (std::size_t k = 0; k < sequence.more; ++k) {
      const auto next = static_cast<unsigned char>(text[i++]);
      if (next < (k == 0 ? sequence.low : 0x80) || next > (k == 0 ? sequence.high : 0xbf)) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace rondel::xmpp
