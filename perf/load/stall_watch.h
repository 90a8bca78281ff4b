// Who holds cores up from outside: a hypervisor, above all.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "perf/load/clock.h"

namespace rondel::load {

/// A time in which a core ran nothing, whatever was ready. Units: nanoseconds of now_ns().
struct Stall {
  std::int64_t from = 0;  ///< When the core was last seen running.
  std::int64_t until = 0;
};

/// Sees that cores stand still, by a thread on each that wakes every millisecond before everybody
/// else.
///
/// A thread of real-time priority comes before all of the server's and the generator's; if it wakes
/// late, then its core ran nobody, or the kernel in one piece, which does not take so long. It
/// costs its core a few microseconds each millisecond.
class StallWatch {
 public:
  static constexpr std::int64_t kPeriodNs = kSecond / 1000;
  /// A thread that wakes so much too late has seen a stall.
  static constexpr std::int64_t kStallNs = kSecond / 2000;
  /// Of each core; after them it counts as standing still for ever.
  static constexpr std::size_t kStallsMax = 1 << 15;

  /// Watches until the object ends. Errors: in words, when a thread can't have its core or priority
  /// (CAP_SYS_NICE).
  static base::Result<std::unique_ptr<StallWatch>> create(const std::vector<unsigned>& cores);
  ~StallWatch();
  StallWatch(const StallWatch&) = delete;
  StallWatch& operator=(const StallWatch&) = delete;

  /// A stall that has not been taken yet, of any core. Thread: one, always the same.
  [[nodiscard]] std::optional<Stall> take();

 private:
  struct Core;

  StallWatch();
  std::vector<std::unique_ptr<Core>> cores_;
};

}  // namespace rondel::load
