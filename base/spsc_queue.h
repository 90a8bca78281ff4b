// A bounded queue from one thread to one other, without locks.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/prefetch.h"

namespace rondel::base {

/// Single producer, single consumer; keeps order; refuses when full.
///
/// Memory for a cell is touched when it is first used, so a large queue that is mostly empty costs
/// little. Thread: try_push on one thread; try_pop, peek and prefetch on one other. Limits:
/// capacity is a power of two.
template <class T>
class SpscQueue {
 public:
  explicit SpscQueue(std::size_t capacity)
      : mask_(std::bit_ceil(capacity) - 1), cells_(new Cell[mask_ + 1]) {}
  ~SpscQueue() {
    while (try_pop()) {
    }
  }
  SpscQueue(const SpscQueue&) = delete;
  SpscQueue& operator=(const SpscQueue&) = delete;

  [[nodiscard]] std::size_t capacity() const { return mask_ + 1; }

  /// False, and `value` untouched, when the queue is full.
  [[nodiscard]] bool try_push(T&& value) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_seen_ > mask_) {
      head_seen_ = head_.load(std::memory_order_acquire);
      if (tail - head_seen_ > mask_) {
        return false;
      }
    }
    std::construct_at(&cells_[tail & mask_].value, std::move(value));
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  [[nodiscard]] std::optional<T> try_pop() {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_seen_) {
      tail_seen_ = tail_.load(std::memory_order_acquire);
      if (head == tail_seen_) {
        return std::nullopt;
      }
    }
    T& cell = cells_[head & mask_].value;
    std::optional<T> value(std::move(cell));
    std::destroy_at(&cell);
    head_.store(head + 1, std::memory_order_release);
    return value;
  }

  /// The value `ahead` places behind the next one, for a consumer that prepares for it; null if it
  /// is not known to be there. It stays the queue's, until it is popped.
  [[nodiscard]] const T* peek(std::size_t ahead) const {
    const std::size_t at = head_.load(std::memory_order_relaxed) + ahead;
    return is_known(at) ? &cells_[at & mask_].value : nullptr;
  }
  /// Begins to load the cell of that value, which the producer's core has written last.
  void prefetch(std::size_t ahead) const {
    const std::size_t at = head_.load(std::memory_order_relaxed) + ahead;
    if (is_known(at)) {
      prefetch_to_write(&cells_[at & mask_], sizeof cells_[0]);
    }
  }

  /// As seen now by either side; exact only for a consumer that finds it true after the producer
  /// stopped.
  [[nodiscard]] bool empty() const {
    return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::size_t size() const {
    return tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_acquire);
  }

 private:
  /// Holds a value from push to pop; nothing before and after.
  union Cell {
    Cell() {}
    ~Cell() {}
    T value;
  };

  /// For the consumer: whether it has seen that the producer has come beyond place `at`.
  [[nodiscard]] bool is_known(std::size_t at) const {
    return tail_seen_ - at - 1 <= mask_;  // Wraps round when `at` is not below tail_seen_.
  }

  const std::size_t mask_;
  const std::unique_ptr<Cell[]> cells_;
  alignas(kCacheLineBytes) std::atomic<std::size_t> tail_{0};
  std::size_t head_seen_ = 0;  ///< The producer's last look at head_.
  alignas(kCacheLineBytes) std::atomic<std::size_t> head_{0};
  std::size_t tail_seen_ = 0;  ///< The consumer's last look at tail_.
};

}  // namespace rondel::base
