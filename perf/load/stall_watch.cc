#include "perf/load/stall_watch.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <thread>

namespace rondel::load {
namespace {

/// Blocks all signals for the threads that begin in its time: they are for the main one.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

/// 0, or the error's number.
int put_first_on(std::thread& thread, unsigned core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  if (const int error = pthread_setaffinity_np(thread.native_handle(), sizeof(cores), &cores)) {
    return error;
  }
  sched_param priority{};
  priority.sched_priority = 1;
  return pthread_setschedparam(thread.native_handle(), SCHED_FIFO, &priority);
}

void sleep_until(std::int64_t when) {
  const timespec at{when / kSecond, when % kSecond};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

}  // namespace

/// A thread that writes what it sees, and where the reader is.
struct StallWatch::Core {
  std::array<Stall, kStallsMax> seen;
  std::atomic<std::size_t> count = 0;
  std::size_t taken = 0;  ///< Only the reader's.
  std::atomic<bool> is_over = false;
  std::thread thread;

  Core() = default;
  ~Core() {
    is_over = true;
    if (thread.joinable()) {
      thread.join();
    }
  }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  void watch() {
    std::int64_t last = now_ns();
    while (!is_over.load(std::memory_order_relaxed)) {
      sleep_until(last + kPeriodNs);
      const std::int64_t now = now_ns();
      if (now - last >= kPeriodNs + kStallNs) {
        note({last, now});
      }
      last = now;
    }
  }

  void note(Stall stall) {
    const std::size_t at = count.load(std::memory_order_relaxed);
    if (at == kStallsMax) {
      return;
    }
    if (at == kStallsMax - 1) {
      stall.until = kNever;
    }
    seen[at] = stall;
    count.store(at + 1, std::memory_order_release);
  }
};

StallWatch::StallWatch() = default;
StallWatch::~StallWatch() = default;

base::Result<std::unique_ptr<StallWatch>> StallWatch::create(const std::vector<unsigned>& cores) {
  std::unique_ptr<StallWatch> watch(new StallWatch);
  const SignalsBlocked blocked;
  for (const unsigned number : cores) {
    Core& core = *watch->cores_.emplace_back(std::make_unique<Core>());
    core.thread = std::thread([&core] { core.watch(); });
    if (const int error = put_first_on(core.thread, number)) {
      return base::Unexpected(base::Error(fmt::format(
          "core {} can't be watched: {}{}", number, std::strerror(error),
          error == EPERM ? " (a thread of real-time priority needs CAP_SYS_NICE)" : "")));
    }
  }
  return watch;
}

std::optional<Stall> StallWatch::take() {
  for (const std::unique_ptr<Core>& core : cores_) {
    if (core->taken < core->count.load(std::memory_order_acquire)) {
      return core->seen[core->taken++];
    }
  }
  return std::nullopt;
}

}  // namespace rondel::load
