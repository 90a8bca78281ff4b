// Threads that have a core and a place in its order, beside the one that does the work.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/result.h"

namespace rondel::load {

/// A thread on one core.
class CoreThread {
 public:
  enum class Order : std::uint8_t {
    first,  ///< Before all that have no real-time priority; needs CAP_SYS_NICE.
    last,   ///< Only while nobody else wants the core.
  };

  /// Runs `work` until it returns, which it does soon after `is_over` has become true. Errors: in
  /// words, when the thread can't have the core or the order.
  static base::Result<std::unique_ptr<CoreThread>> start(
      unsigned core, Order order, std::function<void(const std::atomic<bool>& is_over)> work);
  ~CoreThread();
  CoreThread(const CoreThread&) = delete;
  CoreThread& operator=(const CoreThread&) = delete;

 private:
  CoreThread() = default;

  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

/// Keeps cores from going to sleep, as long as the threads are there.
///
/// Where a sleeping core is a virtual one, waking it takes as long as its host likes, in which
/// others may have got hold of it. Errors: as CoreThread::start().
base::Result<std::vector<std::unique_ptr<CoreThread>>> keep_awake(
    const std::vector<unsigned>& cores);

}  // namespace rondel::load
