#include "perf/load/run.h"

#include <algorithm>
#include <csignal>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <iostream>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace rondel::load {
namespace {

/// The generator was the bottleneck when its core was busier than that.
constexpr double kBusyPercent = 90;
/// Or when one event in a hundred was written later than that.
constexpr std::uint64_t kLateNs = 1'000'000;
/// Reading the proportional size walks page tables; not more of each interval than a part of 20.
constexpr int kPssShare = 20;
/// For what has become late while this program looked at the server, and for answers under way.
constexpr std::int64_t kCatchUpNs = kSecond / 10;

/// After so many failed logins and none that worked, no more are tried.
constexpr std::uint64_t kHopelessLogins = 100;
/// Of quiet before the first look at memory, when there were sessions before.
constexpr std::int64_t kSettleNs = 2 * kSecond;

volatile std::sig_atomic_t g_is_interrupted = 0;

void on_interrupt(int) {
  g_is_interrupted = 1;
}

void prepare_process(std::uint32_t sessions) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < sessions + 64) {
    rlimit more{sessions + 64, sessions + 64};  // Works for root.
    if (setrlimit(RLIMIT_NOFILE, &more) == 0) {
      limit = more;
    }
  }
  setrlimit(RLIMIT_NOFILE, &limit);
  prctl(PR_SET_TIMERSLACK, 1000);  // An open loop is no better than its sleep.
  struct sigaction action {};
  action.sa_handler = &on_interrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

double per_cent(double cpu_s, std::int64_t ns) {
  return ns <= 0 ? 0 : 100 * cpu_s / (static_cast<double>(ns) / 1e9);
}

double us(std::uint64_t ns) {
  return static_cast<double>(ns) / 1000;
}

}  // namespace

double own_cpu_seconds() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

Run::Run(const Options& options) : options_(options), watch_(options.pids, options.process_names) {
}

base::Result<std::unique_ptr<Run>> Run::create(const Options& options) {
  prepare_process(options.users);
  std::unique_ptr<Run> run(new Run(options));
  RONDEL_TRY(run->crowd_, Crowd::create(options));
  run->scenario_ = make_scenario(*run->crowd_);
  run->crowd_->set_scenario(*run->scenario_);
  run->watch_.refresh();
  if (run->watch_.is_asked() && run->watch_.processes() == 0) {
    return base::Unexpected(base::Error("there is no such process of the server"));
  }
  if (!options.watched_cores.empty()) {
    RONDEL_TRY(run->stall_watch_, StallWatch::create(options.watched_cores));
    run->crowd_->metrics().undisturbed.emplace();
  }
  RONDEL_TRY(run->wakers_, keep_awake(options.wakeful_cores));
  return run;
}

base::Result<void> Run::execute() {
  const auto wall =
      std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  result_.started = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(wall));
  result_.zero_ns = now_ns();
  last_sample_ = mark(false);
  next_sample_ns_ = result_.zero_ns + to_ns(options_.interval_s);
  if (!bring_sessions()) {
    const auto& found = crowd_->metrics().problems.found();
    return base::Unexpected(
        base::Error("not one session logged in: " +
                    (found.empty() ? std::string("interrupted") : found.begin()->first)));
  }
  phase_ = "preparing";
  while (!scenario_->prepare(now_ns()) && g_is_interrupted == 0) {
    turn(now_ns() + kSecond / 100);
  }
  phase_ = "warm-up";
  const std::int64_t now = now_ns();
  scenario_->start(now);
  load_until(now + to_ns(options_.warm_up_s));
  measure();
  watch_.refresh();
  result_.server_processes = watch_.processes();
  result_.server_threads = watch_.threads();
  ProcessWatch self({getpid()}, {});
  self.refresh();
  result_.own_rss = self.rss();
  drain();
  say_good_bye();
  find_bottlenecks();
  result_.is_interrupted = g_is_interrupted != 0;
  return {};
}

// A look at memory takes milliseconds, and nothing is written or read meanwhile: what is late by
// that is neither the server's doing nor in the figures.
void Run::measure() {
  Metrics& metrics = crowd_->metrics();
  watch_.refresh();
  const Mark before = mark(true);
  load_until(now_ns() + kCatchUpNs);
  result_.begin = mark(false);
  result_.begin.server_memory = before.server_memory;
  result_.begin.kernel = before.kernel;
  phase_ = "measuring";
  metrics.measured_from = now_ns();
  metrics.measured_until = metrics.measured_from + to_ns(options_.duration_s);
  load_until(metrics.measured_until);
  result_.end = mark(false);
  metrics.measured_until = std::min(metrics.measured_until, result_.end.at_ns);
  load_until(now_ns() + kCatchUpNs);
  const Mark after = mark(true);
  result_.end.server_memory = after.server_memory;
  result_.end.kernel = after.kernel;
}

Mark Run::mark(bool has_memory) {
  Mark mark;
  mark.work = scenario_->work();
  mark.sessions = crowd_->counts().ready;
  if (has_memory) {
    mark.server_memory = watch_.memory();
    mark.kernel = kernel_memory();
  }
  mark.ring = crowd_->rings().counters();
  mark.server = watch_.time();
  mark.own_cpu_s = own_cpu_seconds();
  mark.at_ns = now_ns();
  return mark;
}

void Run::turn(std::int64_t until) {
  crowd_->turn(std::min(until, next_sample_ns_));
  const std::int64_t now = now_ns();
  if (stall_watch_) {
    look_at_stalls(now);
  }
  if (now >= next_sample_ns_) {
    sample(now);
  }
}

void Run::look_at_stalls(std::int64_t now) {
  UndisturbedLatency& undisturbed = *crowd_->metrics().undisturbed;
  while (const std::optional<Stall> stall = stall_watch_->take()) {
    undisturbed.note(*stall);
  }
  undisturbed.judge(now);
}

bool Run::bring_sessions() {
  if (!scenario_->needs_sessions()) {
    result_.before = mark(true);
    return true;
  }
  if (options_.is_visit) {
    visit_all();
  }
  const std::uint32_t baseline = std::min(options_.baseline, crowd_->size());
  if (baseline > 0) {
    log_in(0, baseline);
  }
  if (options_.is_visit || baseline > 0) {
    phase_ = "settling";
    const std::int64_t end = now_ns() + kSettleNs;
    while (now_ns() < end && g_is_interrupted == 0) {
      turn(end);
    }
  }
  watch_.refresh();
  result_.before = mark(true);
  log_in(baseline, crowd_->size());
  return crowd_->counts().ready > 0;
}

void Run::visit_all() {
  phase_ = "visiting";
  const CrowdCounts& counts = crowd_->counts();
  for (std::uint32_t first = 0; first < crowd_->size() && g_is_interrupted == 0;) {
    const std::uint32_t end = std::min(crowd_->size(), first + options_.login_parallel);
    for (std::uint32_t number = first; number < end; ++number) {
      crowd_->log_in(number, now_ns());
    }
    while (counts.logging_in > 0) {
      turn(now_ns() + kSecond / 10);
    }
    for (; first < end; ++first) {
      crowd_->leave((*crowd_)[first]);
    }
    while (counts.ending > 0) {
      turn(now_ns() + kSecond / 10);
    }
    if (counts.logins == 0 && counts.failed >= kHopelessLogins) {
      break;
    }
  }
}

void Run::log_in(std::uint32_t next, std::uint32_t last) {
  phase_ = "logging in";
  const Mark begin = mark(false);
  const double derived_before = crowd_->keys().derivation_seconds();
  Schedule schedule(options_.login_rate, false, options_.seed);
  schedule.start(begin.at_ns);
  const CrowdCounts& counts = crowd_->counts();
  const std::uint64_t logins_before = counts.logins;
  // A server that refuses one password refuses the others: no need to hear it a thousand times.
  const auto is_hopeless = [&counts] {
    return counts.logins == 0 && counts.failed >= kHopelessLogins;
  };
  while ((next < last && !is_hopeless()) || counts.logging_in > 0) {
    const std::int64_t now = now_ns();
    while (next < last && counts.logging_in < options_.login_parallel && !is_hopeless() &&
           g_is_interrupted == 0 && (options_.login_rate == 0 || schedule.next() <= now)) {
      crowd_->log_in(next++, options_.login_rate == 0 ? now : schedule.take());
    }
    if (g_is_interrupted != 0 && counts.logging_in == 0) {
      break;
    }
    turn(std::min(now + kSecond / 10, schedule.next()));
  }
  const Mark end = mark(false);
  result_.login = LoginCost{
      counts.logins - logins_before, static_cast<double>(end.at_ns - begin.at_ns) / 1e9,
      end.server.total_s - begin.server.total_s,
      end.own_cpu_s - begin.own_cpu_s - (crowd_->keys().derivation_seconds() - derived_before)};
}

void Run::load_until(std::int64_t until) {
  while (g_is_interrupted == 0) {
    const std::int64_t now = now_ns();
    if (now >= until) {
      break;
    }
    turn(std::min(until, scenario_->turn(now)));
  }
}

void Run::drain() {
  phase_ = "draining";
  scenario_->stop();
  std::uint64_t work = scenario_->work();
  std::int64_t deadline = now_ns() + to_ns(options_.patience_s);
  while (!scenario_->is_drained() && now_ns() < deadline && crowd_->counts().ready > 0) {
    scenario_->turn(now_ns());
    turn(now_ns() + kSecond / 100);
    if (scenario_->work() != work) {
      work = scenario_->work();
      deadline = now_ns() + to_ns(options_.patience_s);
    }
  }
  // A repeated message may come right behind the last one.
  const std::int64_t end = now_ns() + kSecond / 5;
  while (now_ns() < end) {
    turn(end);
  }
  if (stall_watch_) {
    look_at_stalls(kNever);
  }
  scenario_->settle();
}

void Run::say_good_bye() {
  phase_ = "leaving";
  const CrowdCounts& counts = crowd_->counts();
  std::uint32_t next = 0;
  while (next < crowd_->size() || counts.ending > 0 || counts.logging_in > 0) {
    while (next < crowd_->size() && counts.ending < options_.login_parallel) {
      crowd_->leave((*crowd_)[next++]);
    }
    turn(now_ns() + kSecond / 10);
  }
}

void Run::sample(std::int64_t now) {
  next_sample_ns_ = std::max(now + 1, next_sample_ns_ + to_ns(options_.interval_s));
  Metrics& metrics = crowd_->metrics();
  Mark here;
  here.work = scenario_->work();
  here.server.total_s = watch_.cpu_seconds();
  here.own_cpu_s = own_cpu_seconds();
  here.at_ns = now_ns();
  const std::int64_t passed = here.at_ns - last_sample_.at_ns;
  Sample sample;
  sample.t_s = static_cast<double>(here.at_ns - result_.zero_ns) / 1e9;
  sample.rate = static_cast<double>(here.work - last_sample_.work) * 1e9 /
                static_cast<double>(std::max<std::int64_t>(1, passed));
  sample.p50_us = us(metrics.interval.at_percentile(50));
  sample.p99_us = us(metrics.interval.at_percentile(99));
  sample.generator_cpu_percent = per_cent(here.own_cpu_s - last_sample_.own_cpu_s, passed);
  sample.sessions = crowd_->counts().ready;
  if (watch_.is_asked()) {
    sample.server_cpu_percent = per_cent(here.server.total_s - last_sample_.server.total_s, passed);
    sample.server_rss = watch_.rss();
    // In an open loop the next message waits for us.
    if (options_.rate == 0 && pss_cost_ns_ * kPssShare < to_ns(options_.interval_s)) {
      const std::int64_t begin = now_ns();
      if (const auto memory = watch_.memory()) {
        sample.server_pss = memory->pss;
      }
      pss_cost_ns_ = now_ns() - begin;
    }
  }
  metrics.interval.clear();
  last_sample_ = here;
  result_.samples.push_back(sample);
  progress(sample);
}

void Run::progress(const Sample& sample) {
  if (options_.is_quiet) {
    return;
  }
  const CrowdCounts& counts = crowd_->counts();
  std::string line =
      fmt::format("{:7.1f} s  {:<10} {:>7} sessions", sample.t_s, phase_, sample.sessions);
  if (sample.rate > 0) {
    line += fmt::format("  {:>8.0f} {}/s", sample.rate, plural(scenario_->unit()));
  }
  if (sample.p50_us > 0) {
    line += fmt::format("  p50 {:.0f} us  p99 {:.0f} us", sample.p50_us, sample.p99_us);
  }
  if (sample.server_cpu_percent) {
    line += fmt::format("  server {:.0f} %", *sample.server_cpu_percent);
  }
  line += fmt::format("  self {:.0f} %", sample.generator_cpu_percent);
  if (counts.failed + counts.ended > 0) {
    line += fmt::format("  {} failed, {} ended", counts.failed, counts.ended);
  }
  // On a terminal one line that changes; in a file one line each.
  const bool is_terminal = isatty(STDERR_FILENO) == 1;
  std::cerr << (is_terminal ? "\r\x1b[K" : "") << line << (is_terminal ? "" : "\n") << std::flush;
}

void Run::find_bottlenecks() {
  const double percent = per_cent(result_.end.own_cpu_s - result_.begin.own_cpu_s,
                                  result_.end.at_ns - result_.begin.at_ns);
  if (percent >= kBusyPercent && !options_.is_spinning) {
    result_.bottlenecks.push_back(fmt::format("the generator's core was {:.0f} % busy", percent));
  }
  const Histogram& late = crowd_->metrics().late;
  if (const std::uint64_t p99 = late.at_percentile(99); p99 > kLateNs) {
    result_.bottlenecks.push_back(fmt::format(
        "one event in a hundred was written {:.1f} ms or more after it was due", us(p99) / 1000));
  }
}

LedgerCounts Run::message_counts() const {
  LedgerCounts sum;
  for (const Ledger* ledger : scenario_->ledgers()) {
    sum += ledger->counts();
  }
  return sum;
}

bool Run::is_clean() {
  return crowd_->metrics().problems.empty() && crowd_->metrics().unsent == 0 &&
         message_counts().is_clean();
}

}  // namespace rondel::load
