#include "xml/byte_masks.h"

#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace rondel::xml {
namespace {

using FindBlock = void (*)(const std::byte* block, ByteMasks& masks);

constexpr std::uint64_t repeated(char c) {
  return 0x0101010101010101ULL * static_cast<unsigned char>(c);
}

/// Bit n is set where byte n of the word is `c`; the first byte in memory is byte 0.
std::uint64_t equal_bytes(std::uint64_t word, std::uint64_t pattern) {
  constexpr std::uint64_t kLow = 0x7f7f7f7f7f7f7f7fULL;
  const std::uint64_t difference = word ^ pattern;
  const std::uint64_t is_zero = ~(((difference & kLow) + kLow) | difference | kLow);
  return ((is_zero >> 7) * 0x0102040810204080ULL) >> 56;
}

void find_in_block_portable(const std::byte* block, ByteMasks& masks) {
  masks = {};
  for (unsigned index = 0; index < kMaskBytes; index += 8) {
    std::uint64_t word;
    std::memcpy(&word, block + index, sizeof word);
    if constexpr (std::endian::native == std::endian::big) {
      word = __builtin_bswap64(word);
    }
    masks.less_than |= equal_bytes(word, repeated('<')) << index;
    masks.greater_than |= equal_bytes(word, repeated('>')) << index;
    masks.apostrophe |= equal_bytes(word, repeated('\'')) << index;
    masks.quote |= equal_bytes(word, repeated('"')) << index;
  }
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void find_in_block_avx2(const std::byte* block, ByteMasks& masks) {
  const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block));
  const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + 32));
  // A macro, since a lambda would not be compiled for the same target.
#define RONDEL_EQUAL(c)                                                      \
  (static_cast<std::uint64_t>(static_cast<std::uint32_t>(                    \
       _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, _mm256_set1_epi8(c))))) | \
   static_cast<std::uint64_t>(static_cast<std::uint32_t>(                    \
       _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, _mm256_set1_epi8(c)))))  \
       << 32)
  masks.less_than = RONDEL_EQUAL('<');
  masks.greater_than = RONDEL_EQUAL('>');
  masks.apostrophe = RONDEL_EQUAL('\'');
  masks.quote = RONDEL_EQUAL('"');
#undef RONDEL_EQUAL
}
#endif

FindBlock choose() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    return find_in_block_avx2;
  }
#endif
  return find_in_block_portable;
}

void find_in(const std::byte* bytes, std::size_t size, ByteMasks& masks, FindBlock find) {
  if (size == kMaskBytes) {
    return find(bytes, masks);
  }
  // The last block of a read: nothing behind it may be touched.
  std::byte block[kMaskBytes] = {};
  std::memcpy(block, bytes, size);
  find(block, masks);
}

}  // namespace

void find_markup(const std::byte* bytes, std::size_t size, ByteMasks& masks) {
  static const FindBlock chosen = choose();
  find_in(bytes, size, masks, chosen);
}

void find_markup_portable(const std::byte* bytes, std::size_t size, ByteMasks& masks) {
  find_in(bytes, size, masks, find_in_block_portable);
}

}  // namespace rondel::xml
