// Lets perf/micro/instructions say how often a benchmark runs.
#pragma once

#include <benchmark/benchmark.h>
#include <cstdlib>

namespace rondel::perf {

/// For Benchmark::Apply(): as many iterations as RONDEL_ITERATIONS says, instead of as many as a
/// time allows.
inline void counted(benchmark::internal::Benchmark* benchmark) {
  if (const char* iterations = std::getenv("RONDEL_ITERATIONS")) {
    benchmark->Iterations(std::strtol(iterations, nullptr, 10));
  }
}

}  // namespace rondel::perf
