#include "perf/load/stall_watch.h"

#include <array>
#include <atomic>
#include <utility>

#include "perf/load/core_thread.h"

namespace rondel::load {
namespace {

void sleep_until(std::int64_t when) {
  const timespec at{when / kSecond, when % kSecond};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

}  // namespace

/// What the thread of one core sees, and where the reader is.
struct StallWatch::Core {
  std::array<Stall, kStallsMax> seen;
  std::atomic<std::size_t> count = 0;
  std::size_t taken = 0;               ///< Only the reader's.
  std::unique_ptr<CoreThread> thread;  ///< Ends before the rest.

  void watch(const std::atomic<bool>& is_over) {
    std::int64_t last = now_ns();
    while (!is_over.load(std::memory_order_relaxed)) {
      sleep_until(last + kPeriodNs);
      const std::int64_t now = now_ns();
      if (now - last >= kPeriodNs + kStallNs) {
        note({last, now});
      }
      last = now;
    }
  }

  void note(Stall stall) {
    const std::size_t at = count.load(std::memory_order_relaxed);
    if (at == kStallsMax) {
      return;
    }
    if (at == kStallsMax - 1) {
      stall.until = kNever;
    }
    seen[at] = stall;
    count.store(at + 1, std::memory_order_release);
  }
};

StallWatch::StallWatch() = default;
StallWatch::~StallWatch() = default;

base::Result<std::unique_ptr<StallWatch>> StallWatch::create(const std::vector<unsigned>& cores) {
  std::unique_ptr<StallWatch> watch(new StallWatch);
  for (const unsigned number : cores) {
    Core& core = *watch->cores_.emplace_back(std::make_unique<Core>());
    RONDEL_TRY(core.thread,
               CoreThread::start(number, CoreThread::Order::first,
                                 [&core](const auto& is_over) { core.watch(is_over); }));
  }
  return watch;
}

std::optional<Stall> StallWatch::take() {
  for (const std::unique_ptr<Core>& core : cores_) {
    if (core->taken < core->count.load(std::memory_order_acquire)) {
      return core->seen[core->taken++];
    }
  }
  return std::nullopt;
}

}  // namespace rondel::load
