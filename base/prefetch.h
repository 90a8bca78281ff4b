// Asking for memory before it is needed.
#pragma once

#include <cstddef>

namespace rondel::base {

inline constexpr std::size_t kCacheLineBytes = 64;

/// gcc 12 takes a function that only loads ahead for one without effect, and drops calls of it: in
/// this it sees one.
inline void keep_prefetch(const void* begin) {
  asm volatile("" : : "r"(begin));
}

/// Begins to load `bytes` bytes from `begin` on, which need not be readable.
inline void prefetch_to_read(const void* begin, std::size_t bytes) {
  keep_prefetch(begin);
  for (std::size_t offset = 0; offset < bytes; offset += kCacheLineBytes) {
    __builtin_prefetch(static_cast<const std::byte*>(begin) + offset, 0);
  }
}

/// The same for memory that will be written; compilers for plain x86-64 make no difference.
inline void prefetch_to_write(const void* begin, std::size_t bytes) {
  keep_prefetch(begin);
  for (std::size_t offset = 0; offset < bytes; offset += kCacheLineBytes) {
    __builtin_prefetch(static_cast<const std::byte*>(begin) + offset, 1);
  }
}

}  // namespace rondel::base
