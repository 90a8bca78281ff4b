// Keeps lines that a peer can cause at will from filling the disk.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

namespace rondel::log {

/// At most `lines_max` lines in each period of one event; one object for each event.
///
///   if (const auto held_back = limit_.admit(now_ms)) {
///     RONDEL_LOG_INFO(log_, "c2s.refused", "… ({} more were not logged)", *held_back);
///   }
/// Thread: any. Around the turn of a period, several threads may together let a few lines more
/// pass.
class RateLimit {
 public:
  explicit RateLimit(std::uint32_t lines_max = 10, std::uint32_t period_ms = 1000)
      : lines_max_(lines_max), period_ms_(period_ms) {}

  /// Nothing: leave the line out. Otherwise write it; the value says how many were left out since
  /// the last one.
  [[nodiscard]] std::optional<std::uint64_t> admit(std::uint64_t now_ms);

 private:
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  const std::uint32_t lines_max_;
  const std::uint32_t period_ms_;
  std::atomic<std::uint64_t> period_start_ms_{kNever};
  std::atomic<std::uint64_t> lines_{0};
  std::atomic<std::uint64_t> held_back_{0};
};

}  // namespace rondel::log
