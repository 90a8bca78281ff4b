// Points in time as storages keep them.
#pragma once

#include <chrono>

#include "base/clock.h"

namespace rondel::store {

/// UTC in whole milliseconds: what XMPP's time format carries and what every storage can keep.
using Timestamp = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

[[nodiscard]] inline Timestamp timestamp_of(std::chrono::system_clock::time_point time) {
  return std::chrono::floor<std::chrono::milliseconds>(time);
}
[[nodiscard]] inline Timestamp timestamp_now() {
  return timestamp_of(base::wall_clock_now());
}

}  // namespace rondel::store
