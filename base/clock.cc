#include "base/clock.h"

#include <atomic>
#include <ctime>

#include "base/test_clock.h"

namespace rondel::base {
namespace {

using MonotonicClock = std::uint64_t (*)();
std::atomic<MonotonicClock> replaced_clock{nullptr};

}  // namespace

void replace_monotonic_clock(MonotonicClock clock) {
  replaced_clock.store(clock);
}

std::uint64_t monotonic_ms() {
  if (const MonotonicClock clock = replaced_clock.load(std::memory_order_relaxed)) [[unlikely]] {
    return clock();
  }
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

std::chrono::system_clock::time_point wall_clock_now() {
  return std::chrono::system_clock::now();
}

}  // namespace rondel::base
