// Where the characters stand that decide about boundaries, as bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rondel::xml {

/// One bit for each of 64 bytes; bit 0 is the first.
struct ByteMasks {
  std::uint64_t less_than;
  std::uint64_t greater_than;
  std::uint64_t apostrophe;
  std::uint64_t quote;
};

inline constexpr std::size_t kMaskBytes = 64;

/// Fills the masks for up to kMaskBytes bytes; bits behind the end are 0.
///
/// Takes AVX2 where the processor has it.
void find_markup(const std::byte* bytes, std::size_t size, ByteMasks& masks);

/// The same without vector instructions; find_markup's fallback, and the measure for its tests.
void find_markup_portable(const std::byte* bytes, std::size_t size, ByteMasks& masks);

}  // namespace rondel::xml
