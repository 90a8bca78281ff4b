#include "log/lane.h"

#include <bit>
#include <cstring>

#include "base/check.h"

namespace rondel::log {
namespace {

// Before each record stands its length in 8 bytes; records begin on 8-byte bounds.
constexpr std::size_t kPrefixBytes = 8;
// Instead of a length: the rest of the memory up to its end is not used.
constexpr std::uint64_t kSkip = ~std::uint64_t{0};

std::size_t record_space(std::uint64_t length) {
  return (static_cast<std::size_t>(length) + kPrefixBytes + 7) & ~std::size_t{7};
}

}  // namespace

// Not initialised: pages that no line has touched cost no memory.
Lane::Lane(std::size_t capacity_bytes)
    : capacity_(std::bit_ceil(capacity_bytes)),
      bytes_(std::make_unique_for_overwrite<std::byte[]>(capacity_)) {
}

std::span<std::byte> Lane::try_reserve(std::size_t bytes) {
  RONDEL_ASSERT(bytes <= record_bytes_max());
  const std::size_t space = record_space(bytes);
  std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  const std::size_t until_end = capacity_ - (tail & (capacity_ - 1));
  const std::size_t skipped = until_end < space ? until_end : 0;
  if (tail + skipped + space - head_seen_ > capacity_) {
    head_seen_ = head_.load(std::memory_order_acquire);
    if (tail + skipped + space - head_seen_ > capacity_) {
      return {};
    }
  }
  if (skipped > 0) {
    std::memcpy(at(tail), &kSkip, sizeof kSkip);
    tail += skipped;
  }
  const std::uint64_t length = bytes;
  std::memcpy(at(tail), &length, sizeof length);
  reserved_ = tail + space;
  return {at(tail) + kPrefixBytes, bytes};
}

void Lane::commit() {
  tail_.store(reserved_, std::memory_order_release);
}

std::span<const std::byte> Lane::front() {
  const std::uint64_t tail = tail_.load(std::memory_order_acquire);
  std::uint64_t head = head_.load(std::memory_order_relaxed);
  while (head != tail) {
    std::uint64_t length;
    std::memcpy(&length, at(head), sizeof length);
    if (length != kSkip) {
      return {at(head) + kPrefixBytes, static_cast<std::size_t>(length)};
    }
    head += capacity_ - (head & (capacity_ - 1));
    head_.store(head, std::memory_order_release);
  }
  return {};
}

void Lane::pop() {
  const std::uint64_t head = head_.load(std::memory_order_relaxed);
  std::uint64_t length;
  std::memcpy(&length, at(head), sizeof length);
  RONDEL_ASSERT(length != kSkip && !empty());
  head_.store(head + record_space(length), std::memory_order_release);
}

}  // namespace rondel::log
