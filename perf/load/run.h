// A run from its first login to its result.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "perf/load/core_thread.h"
#include "perf/load/crowd.h"
#include "perf/load/process_watch.h"
#include "perf/load/scenario.h"
#include "perf/load/stall_watch.h"

namespace rondel::load {

/// One moment, for differences.
struct Mark {
  std::int64_t at_ns = 0;
  std::uint64_t work = 0;
  std::uint32_t sessions = 0;
  ProcessTime server;
  double own_cpu_s = 0;
  std::optional<ProcessMemory> server_memory;
  KernelMemory kernel;
  ring::RingCounters ring;
};

/// One point of the series.
struct Sample {
  double t_s = 0;
  double rate = 0;
  double p50_us = 0;
  double p99_us = 0;
  std::optional<double> server_cpu_percent;
  double generator_cpu_percent = 0;
  std::optional<std::uint64_t> server_rss;
  std::optional<std::uint64_t> server_pss;
  std::uint32_t sessions = 0;
};

/// What the logins before the load cost.
struct LoginCost {
  std::uint64_t count = 0;
  double seconds = 0;
  double server_cpu_s = 0;
  double own_cpu_s = 0;
};

/// Everything that the report tells.
struct RunResult {
  std::string started;
  std::int64_t zero_ns = 0;  ///< Of the series.
  Mark before;
  Mark begin;
  Mark end;
  std::optional<LoginCost> login;
  std::vector<Sample> samples;
  std::uint64_t own_rss = 0;
  std::size_t server_processes = 0;
  std::uint64_t server_threads = 0;
  std::vector<std::string> bottlenecks;
  bool is_interrupted = false;
};

/// Drives crowd and scenario through logins, warm-up, measure, drain and good-byes.
class Run {
 public:
  /// Errors: in words, when it can't start.
  static base::Result<std::unique_ptr<Run>> create(const Options& options);

  /// Errors: in words, when not one session could log in.
  [[nodiscard]] base::Result<void> execute();

  [[nodiscard]] const RunResult& result() const { return result_; }
  [[nodiscard]] Crowd& crowd() { return *crowd_; }
  [[nodiscard]] const Scenario& scenario() const { return *scenario_; }
  [[nodiscard]] bool has_server() const { return watch_.is_asked(); }
  /// Of all ledgers.
  [[nodiscard]] LedgerCounts message_counts() const;
  /// Nothing went wrong.
  [[nodiscard]] bool is_clean();

 private:
  explicit Run(const Options& options);

  /// Every account logs in once and leaves again.
  void visit_all();
  /// The sessions from `first` to before `end`.
  void log_in(std::uint32_t first, std::uint32_t end);
  /// Everything that comes before the load; false: not one session logged in.
  [[nodiscard]] bool bring_sessions();
  void load_until(std::int64_t until);
  void measure();
  void drain();
  void say_good_bye();
  void turn(std::int64_t until);
  /// Hears of stalls, and judges the latencies whose time has come.
  void look_at_stalls(std::int64_t now);
  void sample(std::int64_t now);
  void progress(const Sample& sample);
  void find_bottlenecks();
  [[nodiscard]] Mark mark(bool has_memory);

  Options options_;
  ProcessWatch watch_;
  std::unique_ptr<StallWatch> stall_watch_;  ///< If cores are watched.
  std::vector<std::unique_ptr<CoreThread>> wakers_;
  std::unique_ptr<Crowd> crowd_;
  std::unique_ptr<Scenario> scenario_;
  RunResult result_;
  Mark last_sample_;
  std::int64_t next_sample_ns_ = 0;
  std::int64_t pss_cost_ns_ = 0;
  const char* phase_ = "";
};

/// User and system time of the thread that asks, which does the generator's work. Units: seconds.
[[nodiscard]] double own_cpu_seconds();

}  // namespace rondel::load
