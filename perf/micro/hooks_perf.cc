// What a hook point costs: empty, with one hook, with a row of them (DESIGN §10).
#include <benchmark/benchmark.h>
#include <vector>

#include "hooks/chain.h"
#include "perf/micro/counted.h"

namespace {

using rondel::hooks::Chain;
using rondel::hooks::Entry;
using rondel::hooks::Point;
using rondel::hooks::Verdict;

struct Context {
  std::size_t stopped_at = 0;
  std::uint64_t seen = 0;
};

/// As small as a hook gets: one that counts.
Verdict count(void* state, void* context) {
  static_cast<Context*>(context)->seen += *static_cast<std::uint64_t*>(state);
  return Verdict::next();
}

void run_chain(benchmark::State& state) {
  std::uint64_t one = 1;
  std::vector<Entry> entries(static_cast<std::size_t>(state.range(0)), Entry{&count, &one});
  const Chain<Context, Point::before_process> chain(std::move(entries));
  const auto* seen = &chain;
  Context context;
  for (auto _ : state) {
    benchmark::DoNotOptimize(seen);
    benchmark::DoNotOptimize(seen->run(context));
  }
  state.counters["hooks"] = static_cast<double>(state.range(0));
}
BENCHMARK(run_chain)->Arg(0)->Arg(1)->Arg(2)->Arg(8)->Apply(rondel::perf::counted);

}  // namespace
