// Where a client's next stanza most likely goes: where its last one went.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/prefetch.h"

namespace rondel::server {

/// Memory that is loaded while the stanza before is handled, since on the way from an address to a
/// connection each step waits for the one before.
///
/// Addresses are never read through: of what has gone meanwhile, something else is loaded for
/// nothing. Kept as distances from this object, in half the bytes; what is too far off is left
/// out. Owner: the sender's stream, and so it must not be copied.
class ExpectedReceiver {
 public:
  struct Part {
    const void* begin;
    std::uint16_t bytes;
  };
  static constexpr std::size_t kPartsMax = 7;
  using Parts = std::array<Part, kPartsMax>;

  ExpectedReceiver() = default;
  ExpectedReceiver(const ExpectedReceiver&) = delete;
  ExpectedReceiver& operator=(const ExpectedReceiver&) = delete;

  /// Whether `begin` is where the last part begins, by which receivers are told apart.
  [[nodiscard]] bool is(const void* begin) const {
    const std::int32_t wanted = distance(begin);
    return wanted != 0 && distances_.back() == wanted;
  }
  void set(const Parts& parts) {
    for (std::size_t i = 0; i < kPartsMax; ++i) {
      distances_[i] = distance(parts[i].begin);
      lines_[i] = static_cast<std::uint8_t>((parts[i].bytes + base::kCacheLineBytes - 1) /
                                            base::kCacheLineBytes);
    }
  }
  void prefetch() const {
    for (std::size_t i = 0; i < kPartsMax; ++i) {
      if (distances_[i] != 0) {
        base::prefetch_to_read(address(distances_[i]), lines_[i] * base::kCacheLineBytes);
      }
    }
  }

 private:
  /// What the allocator aligns to at least, so that a distance has no use for its lowest bits.
  static constexpr std::intptr_t kStep = 8;

  [[nodiscard]] std::int32_t distance(const void* to) const {
    const std::intptr_t steps =
        (reinterpret_cast<std::intptr_t>(to) - reinterpret_cast<std::intptr_t>(this)) / kStep;
    return steps == static_cast<std::int32_t>(steps) ? static_cast<std::int32_t>(steps) : 0;
  }
  [[nodiscard]] const void* address(std::int32_t distance) const {
    return reinterpret_cast<const void*>(reinterpret_cast<std::intptr_t>(this) + distance * kStep);
  }

  std::array<std::int32_t, kPartsMax> distances_{};
  std::array<std::uint8_t, kPartsMax> lines_{};
};

}  // namespace rondel::server
