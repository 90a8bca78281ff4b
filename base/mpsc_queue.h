// A queue from any thread to one, through links in its elements: no lock, no allocation.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/futex.h"

namespace rondel::base {

/// Base of what an MpscQueue carries.
struct MpscNode {
  virtual ~MpscNode() = default;
  MpscNode* next = nullptr;
};

/// Many producers push owned nodes, one consumer takes all that are there, oldest first.
///
/// Order: nodes of one producer stay in order. Thread: push on any, take_all on one.
/// Limits: none of its own; whoever creates the nodes bounds how many are under way.
class MpscQueue {
 public:
  MpscQueue() = default;
  MpscQueue(const MpscQueue&) = delete;
  MpscQueue& operator=(const MpscQueue&) = delete;
  ~MpscQueue() {
    take_all([](std::unique_ptr<MpscNode>) {});
  }

  /// True if the queue was empty, so that the consumer may need a wake-up.
  bool push(std::unique_ptr<MpscNode> owned) {
    MpscNode* node = owned.release();
    MpscNode* top = top_.load(std::memory_order_relaxed);
    do {
      node->next = top;
    } while (!top_.compare_exchange_weak(top, node, std::memory_order_seq_cst,
                                         std::memory_order_relaxed));
    return top == nullptr;
  }

  [[nodiscard]] bool empty() const { return top_.load(std::memory_order_seq_cst) == nullptr; }

  /// Calls f(std::unique_ptr<MpscNode>) for each node, oldest first; returns how many there were.
  template <class F>
  std::size_t take_all(F&& f) {
    MpscNode* newest = top_.exchange(nullptr, std::memory_order_acquire);
    MpscNode* oldest = nullptr;
    while (newest) {
      MpscNode* next = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = next;
    }
    std::size_t count = 0;
    while (oldest) {
      MpscNode* next = oldest->next;
      oldest->next = nullptr;
      f(std::unique_ptr<MpscNode>(oldest));
      oldest = next;
      ++count;
    }
    return count;
  }

  /// Blocks until something was pushed; for a worker thread, never for a shard.
  ///
  /// Thread: the consumer.
  void wait_blocking() {
    while (empty()) {
      waiters_.store(1, std::memory_order_seq_cst);
      // Both sides write, then look: whichever comes second sees what the first has done.
      if (empty()) {
        futex_wait_blocking(waiters_, 1);
      }
    }
    waiters_.store(0, std::memory_order_relaxed);
  }
  /// Wakes a consumer in wait_blocking(); a system call only if one waits.
  ///
  /// Owner: the queue must outlive the call, also where the consumer has taken everything already.
  void notify() {
    if (waiters_.exchange(0, std::memory_order_seq_cst) != 0) {
      futex_wake_one(waiters_);
    }
  }

 private:
  std::atomic<MpscNode*> top_{nullptr};
  /// A word of the queue's own: std::atomic::wait spins through the scheduler first, and those of
  /// several queues may share a futex, and so wake each other.
  std::atomic<std::uint32_t> waiters_{0};
};

}  // namespace rondel::base
