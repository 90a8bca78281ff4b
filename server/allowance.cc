#include "server/allowance.h"

#include <algorithm>
#include <limits>

namespace rondel::server {

std::uint64_t Allowance::spend(std::size_t bytes, std::uint64_t now_ms, const ReceiveRate& rate) {
  if (rate.bytes_per_second == 0) {
    return 0;
  }
  const auto now = static_cast<std::uint32_t>(now_ms);
  const std::uint64_t earned = std::uint64_t{now - last_ms_} * rate.bytes_per_second / 1000;
  const std::uint64_t left = spent_bytes_ - std::min<std::uint64_t>(earned, spent_bytes_);
  // The time of what is less than a byte counts with the next piece.
  last_ms_ = left == 0
                 ? now
                 : last_ms_ + static_cast<std::uint32_t>(earned * 1000 / rate.bytes_per_second);
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  spent_bytes_ =
      static_cast<std::uint32_t>(std::min(left + std::min<std::uint64_t>(bytes, kMost), kMost));
  if (spent_bytes_ <= rate.burst_bytes) {
    return 0;
  }
  const std::uint64_t owed = spent_bytes_ - rate.burst_bytes;
  return (owed * 1000 + rate.bytes_per_second - 1) / rate.bytes_per_second;
}

}  // namespace rondel::server
