// Assertions about our own invariants; never about what a peer sent.
#pragma once

namespace rondel::base {

/// Prints the failed condition with its place and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace rondel::base

/// Holds in every build: an invariant whose breach would corrupt data or leak secrets.
#define RONDEL_CHECK(condition)                                     \
  do {                                                              \
    if (!(condition)) [[unlikely]] {                                \
      ::rondel::base::check_failed(#condition, __FILE__, __LINE__); \
    }                                                               \
  } while (false)

/// Holds in debug and sanitizer builds: an invariant on a hot path.
#ifdef RONDEL_ASSERTIONS
#define RONDEL_ASSERT(condition) RONDEL_CHECK(condition)
#else
#define RONDEL_ASSERT(condition) static_cast<void>(sizeof(!(condition)))
#endif
