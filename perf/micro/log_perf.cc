// What a log line costs the thread that writes it (DESIGN §10: 150 ns).
#include <benchmark/benchmark.h>

#include "log/hub.h"
#include "log/log.h"
#include "perf/micro/counted.h"

namespace rondel::log {
namespace {

struct Forget final : LineSink {
  bool take(const LineView& line) override {
    benchmark::DoNotOptimize(line.text.data());
    return true;
  }
};

/// Lanes are emptied between batches, and that is not counted: in the server another thread does
/// it.
constexpr int kBatch = 256;

void run(benchmark::State& state, Level level, const Fields& fields) {
  Hub hub;
  const Channel channel(hub, Source{.interface = "clients", .level = level});
  register_thread(hub);
  Forget forget;
  int left = kBatch;
  for (auto unused : state) {
    RONDEL_LOG_INFO_WITH(channel, fields, "c2s.bound", "resource={} after {} ms", "orchard", 17);
    if (--left == 0) {
      state.PauseTiming();
      hub.drain(forget);
      left = kBatch;
      state.ResumeTiming();
    }
  }
  state.counters["dropped"] = static_cast<double>(hub.dropped(ThreadLanes::info));
}

void bm_line_unwanted(benchmark::State& state) {
  run(state, Level::error, {});
}
BENCHMARK(bm_line_unwanted)->Apply(perf::counted);

void bm_line(benchmark::State& state) {
  run(state, Level::info, {});
}
BENCHMARK(bm_line)->Apply(perf::counted);

void bm_line_with_fields(benchmark::State& state) {
  run(state, Level::info,
      {.jid = "romeo@example.org/orchard", .connection = {}, .remote_address = "192.0.2.1:40000"});
}
BENCHMARK(bm_line_with_fields)->Apply(perf::counted);

}  // namespace
}  // namespace rondel::log
