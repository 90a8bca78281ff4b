// Time: monotonic for timers, wall clock for people; both can be replaced in tests.
#pragma once

#include <chrono>
#include <cstdint>

namespace rondel::base {

using Milliseconds = std::chrono::milliseconds;
using Nanoseconds = std::chrono::nanoseconds;

/// Monotonic time in milliseconds since some start; what timers run on.
[[nodiscard]] std::uint64_t monotonic_ms();
/// Wall clock, UTC.
[[nodiscard]] std::chrono::system_clock::time_point wall_clock_now();

}  // namespace rondel::base
