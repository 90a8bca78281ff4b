// What timers and handles cost.
#include <benchmark/benchmark.h>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/mpsc_queue.h"
#include "base/shared_bytes.h"
#include "base/slab.h"
#include "base/spsc_queue.h"
#include "base/timer_wheel.h"
#include "perf/micro/counted.h"

namespace rondel::base {
namespace {

class Nothing final : public Timer {
 private:
  void expired() override {}
};

/// What each stanza of a connection with a deadline does, among `range` others that wait.
void bm_timer_set(benchmark::State& state) {
  TimerWheel wheel(0);
  std::vector<Nothing> others(static_cast<std::size_t>(state.range(0)));
  for (std::size_t i = 0; i < others.size(); ++i) {
    wheel.set(others[i], 1000 + i % 60'000);
  }
  Nothing timer;
  for (auto unused : state) {
    wheel.set(timer, 30'000);
    benchmark::DoNotOptimize(timer.is_set());
  }
}
BENCHMARK(bm_timer_set)->Arg(0)->Arg(100'000)->ArgName("others")->Apply(perf::counted);

/// A timer from set to expired.
void bm_timer_expire(benchmark::State& state) {
  std::uint64_t now_ms = 0;
  TimerWheel wheel(now_ms);
  std::vector<Nothing> timers(1000);
  for (auto unused : state) {
    for (std::size_t i = 0; i < timers.size(); ++i) {
      wheel.set(timers[i], 1 + i % 100);
    }
    wheel.advance(now_ms += 128);
  }
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(bm_timer_expire)->Apply(perf::counted);

/// What a loop turn asks before it sleeps, with one timer far away.
void bm_timer_next_delay(benchmark::State& state) {
  TimerWheel wheel(0);
  Nothing timer;
  wheel.set(timer, 200);
  for (auto unused : state) {
    benchmark::DoNotOptimize(wheel.next_delay_ms(1000));
  }
}
BENCHMARK(bm_timer_next_delay)->Apply(perf::counted);

/// From a completion's tag to its connection, as sockets become ready in no order.
void bm_slab_find(benchmark::State& state) {
  Slab<std::uint64_t> slab;
  std::vector<SlotHandle> handles;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    handles.push_back(slab.insert(std::make_unique<std::uint64_t>(0)));
  }
  std::size_t at = 0;
  for (auto unused : state) {
    at = (at + 7919) % handles.size();
    ++*slab.find(handles[at]);
  }
}
BENCHMARK(bm_slab_find)->Arg(100)->Arg(100'000)->ArgName("sessions")->Apply(perf::counted);

void bm_shared_bytes(benchmark::State& state) {
  const SharedBytes bytes = SharedBytes::copy_of("a stanza");
  for (auto unused : state) {
    SharedBytes copy = bytes;
    benchmark::DoNotOptimize(copy.text().data());
  }
}
BENCHMARK(bm_shared_bytes)->Apply(perf::counted);

}  // namespace
}  // namespace rondel::base
