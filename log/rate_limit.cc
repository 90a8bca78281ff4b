#include "log/rate_limit.h"

namespace rondel::log {

std::optional<std::uint64_t> RateLimit::admit(std::uint64_t now_ms) {
  std::uint64_t start = period_start_ms_.load(std::memory_order_relaxed);
  if (now_ms - start >= period_ms_ || start == kNever) {
    // One thread opens the new period; one that loses the race counts within it.
    if (period_start_ms_.compare_exchange_strong(start, now_ms, std::memory_order_relaxed)) {
      lines_.store(0, std::memory_order_relaxed);
    }
  }
  if (lines_.fetch_add(1, std::memory_order_relaxed) < lines_max_) {
    return held_back_.exchange(0, std::memory_order_relaxed);
  }
  held_back_.fetch_add(1, std::memory_order_relaxed);
  return std::nullopt;
}

}  // namespace rondel::log
