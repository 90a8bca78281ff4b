#include "perf/load/core_thread.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <utility>

namespace rondel::load {
namespace {

/// 0, or the error's number.
int place(std::thread& thread, unsigned core, CoreThread::Order order) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  if (const int error = pthread_setaffinity_np(thread.native_handle(), sizeof(cores), &cores)) {
    return error;
  }
  const bool is_first = order == CoreThread::Order::first;
  sched_param priority{};
  priority.sched_priority = is_first ? 1 : 0;
  return pthread_setschedparam(thread.native_handle(), is_first ? SCHED_FIFO : SCHED_IDLE,
                               &priority);
}

}  // namespace

base::Result<std::unique_ptr<CoreThread>> CoreThread::start(
    unsigned core, Order order, std::function<void(const std::atomic<bool>& is_over)> work) {
  std::unique_ptr<CoreThread> made(new CoreThread);
  made->thread_ =
      std::thread([work = std::move(work), &is_over = made->is_over_] { work(is_over); });
  if (const int error = place(made->thread_, core, order)) {
    return base::Unexpected(
        base::Error(fmt::format("no thread on core {}: {}{}", core, std::strerror(error),
                                error == EPERM ? " (real-time priority needs CAP_SYS_NICE)" : "")));
  }
  return made;
}

CoreThread::~CoreThread() {
  is_over_ = true;
  if (thread_.joinable()) {
    thread_.join();
  }
}

base::Result<std::vector<std::unique_ptr<CoreThread>>> keep_awake(
    const std::vector<unsigned>& cores) {
  std::vector<std::unique_ptr<CoreThread>> threads;
  for (const unsigned core : cores) {
    const auto spin = [](const std::atomic<bool>& is_over) {
      while (!is_over.load(std::memory_order_relaxed)) {
#ifdef __x86_64__
        __builtin_ia32_pause();
#endif
      }
    };
    RONDEL_TRY(auto thread, CoreThread::start(core, CoreThread::Order::last, spin));
    threads.push_back(std::move(thread));
  }
  return threads;
}

}  // namespace rondel::load
