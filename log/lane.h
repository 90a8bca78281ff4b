// A bounded queue of byte records from one thread to one other.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/prefetch.h"

namespace rondel::log {

/// Single producer, single consumer; records lie in one piece and keep their order.
///
/// Thread: try_reserve() and commit() on one thread, front() and pop() on one other. Limits: a
/// record takes at most a quarter of the capacity, which is a power of two.
class Lane {
 public:
  explicit Lane(std::size_t capacity_bytes);

  /// Room for one record of `bytes`, or nothing if the lane is full; commit() makes it visible.
  [[nodiscard]] std::span<std::byte> try_reserve(std::size_t bytes);
  void commit();

  /// The oldest record, or nothing; stays until pop().
  [[nodiscard]] std::span<const std::byte> front();
  void pop();
  /// As seen now; exact for the consumer.
  [[nodiscard]] bool empty() const {
    return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::size_t record_bytes_max() const { return capacity_ / 4; }

 private:
  [[nodiscard]] std::byte* at(std::uint64_t position) const {
    return bytes_.get() + (position & (capacity_ - 1));
  }

  const std::size_t capacity_;
  std::unique_ptr<std::byte[]> bytes_;
  alignas(base::kCacheLineBytes) std::atomic<std::uint64_t> tail_{0};
  std::uint64_t reserved_ = 0;   ///< Where the tail stands after commit().
  std::uint64_t head_seen_ = 0;  ///< The producer's last look at head_.
  alignas(base::kCacheLineBytes) std::atomic<std::uint64_t> head_{0};
};

}  // namespace rondel::log
