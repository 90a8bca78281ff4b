// Comparing names: short text that mostly differs in size already.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace rondel::base {

/// `left == right`, without a call into the C library for text of up to 16 bytes.
[[nodiscard]] inline bool is_same_short(std::string_view left, std::string_view right) {
  const std::size_t size = left.size();
  if (size != right.size()) {
    return false;
  }
  if (size > 16) {
    return left == right;
  }
  // The first and the last word of each, which meet or overlap.
  const auto differs = [&]<class Word>(Word) {
    Word words[4];
    const std::size_t last = size - sizeof(Word);
    std::memcpy(&words[0], left.data(), sizeof(Word));
    std::memcpy(&words[1], right.data(), sizeof(Word));
    std::memcpy(&words[2], left.data() + last, sizeof(Word));
    std::memcpy(&words[3], right.data() + last, sizeof(Word));
    return (words[0] ^ words[1]) | (words[2] ^ words[3]);
  };
  if (size >= 8) {
    return differs(std::uint64_t{}) == 0;
  }
  if (size >= 4) {
    return differs(std::uint32_t{}) == 0;
  }
  if (size >= 2) {
    return differs(std::uint16_t{}) == 0;
  }
  return size == 0 || left.front() == right.front();
}

}  // namespace rondel::base
