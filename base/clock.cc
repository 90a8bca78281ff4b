#include "base/clock.h"

#include <ctime>

namespace rondel::base {

std::uint64_t monotonic_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

std::chrono::system_clock::time_point wall_clock_now() {
  return std::chrono::system_clock::now();
}

}  // namespace rondel::base
