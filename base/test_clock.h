// Virtual time for tests.
#pragma once

#include <cstdint>

namespace rondel::base {

/// From now on monotonic_ms() answers what `clock` does; null: the system's clock again.
///
/// Thread: any, but what runs on timers must not notice the change: before it starts, after it has
/// ended.
void replace_monotonic_clock(std::uint64_t (*clock)());

}  // namespace rondel::base
