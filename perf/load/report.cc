#include "perf/load/report.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace rondel::load {
namespace {

using Json = nlohmann::ordered_json;

/// Three digits behind the point: more is noise.
double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

double us(std::uint64_t ns) {
  return rounded(static_cast<double>(ns) / 1000);
}

Json distribution(const Histogram& histogram) {
  if (histogram.count() == 0) {
    return nullptr;
  }
  Json curve = Json::array();
  for (const auto& [percent, value] : histogram.curve()) {
    curve.push_back({percent, us(value)});
  }
  return {{"count", histogram.count()},
          {"min", us(histogram.min())},
          {"mean", rounded(histogram.mean() / 1000)},
          {"max", us(histogram.max())},
          {"p50", us(histogram.at_percentile(50))},
          {"p90", us(histogram.at_percentile(90))},
          {"p99", us(histogram.at_percentile(99))},
          {"p99_9", us(histogram.at_percentile(99.9))},
          {"p99_99", us(histogram.at_percentile(99.99))},
          {"curve", curve}};
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json memory_of(const std::optional<ProcessMemory>& memory) {
  if (!memory) {
    return nullptr;
  }
  return {{"rss", memory->rss},
          {"pss", memory->pss},
          {"private_dirty", memory->private_dirty},
          {"anonymous", memory->anonymous}};
}

Json kernel_of(const KernelMemory& memory) {
  return {{"tcp_sockets", memory.tcp_sockets},
          {"tcp_memory", memory.tcp_memory},
          {"slab", memory.slab}};
}

/// Microseconds of CPU for each of `count`.
Json each_us(double cpu_s, std::uint64_t count) {
  return count == 0 ? Json(nullptr) : Json(rounded(cpu_s * 1e6 / static_cast<double>(count)));
}

double seconds_between(const Mark& begin, const Mark& end) {
  return static_cast<double>(end.at_ns - begin.at_ns) / 1e9;
}

const char* name_of(TlsMode mode) {
  return mode == TlsMode::none ? "none" : mode == TlsMode::starttls ? "starttls" : "direct";
}

Json options_of(const Options& options) {
  return {{"server", options.server},
          {"domain", options.domain},
          {"tls", name_of(options.tls)},
          {"tls_version", options.tls == TlsMode::none ? Json(nullptr) : Json(options.tls_version)},
          {"mechanism", options.mechanism},
          {"users", options.users},
          {"first_user", options.first_user},
          {"user_prefix", options.user_prefix},
          {"sources", options.sources},
          {"login_parallel", options.login_parallel},
          {"login_rate", options.login_rate},
          {"visit", options.is_visit},
          {"baseline", options.baseline},
          {"rate", options.rate},
          {"arrivals", options.is_poisson ? "poisson" : "even"},
          {"spin", options.is_spinning},
          {"window", options.window},
          {"pipeline", options.pipeline},
          {"duration_s", options.duration_s},
          {"warm_up_s", options.warm_up_s},
          {"patience_s", options.patience_s},
          {"body_bytes", options.body_bytes},
          {"partners", options.has_random_partners ? "random" : "pairs"},
          {"contacts", options.contacts},
          {"to", options.is_to_full ? "full" : "bare"},
          {"ping_interval_s", options.ping_interval_s},
          {"subscribers", options.subscribers},
          {"items", options.items},
          {"versioned", options.is_versioned},
          {"prepared", options.is_prepared},
          {"reset_share", options.reset_share},
          {"watch_cores", options.watched_cores},
          {"keep_awake", options.wakeful_cores},
          {"interval_s", options.interval_s},
          {"seed", options.seed}};
}

Json problems_of(Run& run) {
  Json problems = Json::array();
  for (const auto& [what, entry] : run.crowd().metrics().problems.found()) {
    problems.push_back({{"what", what}, {"count", entry.count}, {"first", entry.first}});
  }
  if (const std::uint64_t unsent = run.crowd().metrics().unsent; unsent > 0) {
    problems.push_back({{"what", "events that were due for a session that was not there"},
                        {"count", unsent},
                        {"first", ""}});
  }
  return problems;
}

Json work_of(Run& run) {
  const RunResult& result = run.result();
  const double seconds = seconds_between(result.begin, result.end);
  // Idle sessions do nothing: what one costs is for each second.
  const bool is_idle = run.scenario().unit() == "idle session";
  const std::uint64_t count = is_idle ? result.end.sessions : result.end.work - result.begin.work;
  const double units = static_cast<double>(count) * (is_idle ? seconds : 1);
  const auto each = [units](double cpu_s) {
    return units == 0 ? Json(nullptr) : Json(rounded(cpu_s * 1e6 / units));
  };
  const double server_cpu_s = result.end.server.total_s - result.begin.server.total_s;
  return {{"unit", run.scenario().unit()},
          {"count", count},
          {"rate", is_idle || seconds <= 0 ? Json(nullptr)
                                           : Json(rounded(static_cast<double>(count) / seconds))},
          {"server_cpu_us_each", run.has_server() ? each(server_cpu_s) : Json(nullptr)},
          {"generator_cpu_us_each", each(result.end.own_cpu_s - result.begin.own_cpu_s)}};
}

Json login_of(Run& run) {
  const std::optional<LoginCost>& cost = run.result().login;
  const Json work = work_of(run);  // Which may be the logins.
  Json login{{"count", work["count"]},
             {"seconds", rounded(seconds_between(run.result().begin, run.result().end))},
             {"rate", work["rate"]},
             {"latency_us",
              distribution(cost ? run.crowd().login_latency() : run.crowd().metrics().latency)},
             {"server_cpu_us_each", work["server_cpu_us_each"]},
             {"generator_cpu_us_each", work["generator_cpu_us_each"]},
             {"key_derivations", run.crowd().keys().derivations()},
             {"key_derivation_s", rounded(run.crowd().keys().derivation_seconds())}};
  if (cost) {
    login["count"] = cost->count;
    login["seconds"] = rounded(cost->seconds);
    login["rate"] = cost->seconds > 0
                        ? Json(rounded(static_cast<double>(cost->count) / cost->seconds))
                        : Json(nullptr);
    login["server_cpu_us_each"] =
        run.has_server() ? each_us(cost->server_cpu_s, cost->count) : Json(nullptr);
    login["generator_cpu_us_each"] = each_us(cost->own_cpu_s, cost->count);
  }
  return login;
}

Json messages_of(Run& run) {
  const std::vector<const Ledger*> ledgers = run.scenario().ledgers();
  if (ledgers.empty()) {
    return nullptr;
  }
  const LedgerCounts counts = run.message_counts();
  const auto [stanza_bytes, body_bytes] = run.scenario().bytes_written();
  const auto mean = [&counts](std::uint64_t bytes) {
    return counts.sent == 0
               ? 0.0
               : rounded(static_cast<double>(bytes) / static_cast<double>(counts.sent));
  };
  Json examples = Json::array();
  const Accounts& accounts = run.crowd().accounts();
  for (const Ledger* ledger : ledgers) {
    for (const Ledger::Example& example : ledger->examples()) {
      examples.push_back({{"what", example.what},
                          {"from", accounts.name(example.from)},
                          {"to", accounts.name(example.to)},
                          {"number", example.number}});
    }
  }
  return {{"sent", counts.sent},
          {"delivered", counts.delivered},
          {"lost", counts.lost},
          {"repeated", counts.repeated},
          {"reordered", counts.reordered},
          {"misrouted", counts.misrouted},
          {"altered", counts.altered},
          {"bounced", counts.bounced},
          {"stanza_bytes_mean", mean(stanza_bytes)},
          {"body_bytes_mean", mean(body_bytes)},
          {"examples", examples}};
}

Json server_of(const Run& run) {
  if (!run.has_server()) {
    return nullptr;
  }
  const RunResult& result = run.result();
  const double cpu_s = result.end.server.total_s - result.begin.server.total_s;
  const double seconds = seconds_between(result.begin, result.end);
  return {{"processes", result.server_processes},
          {"threads", result.server_threads},
          {"cpu_s", rounded(cpu_s)},
          {"cpu_user_s", rounded(result.end.server.user_s - result.begin.server.user_s)},
          {"cpu_system_s", rounded(result.end.server.system_s - result.begin.server.system_s)},
          {"cpu_percent", seconds > 0 ? rounded(100 * cpu_s / seconds) : 0},
          {"memory_before", memory_of(result.before.server_memory)},
          {"memory_start", memory_of(result.begin.server_memory)},
          {"memory_end", memory_of(result.end.server_memory)}};
}

Json memory_per_session(Run& run) {
  const RunResult& result = run.result();
  if (result.end.sessions <= result.before.sessions || !run.scenario().needs_sessions()) {
    return nullptr;
  }
  const std::uint32_t sessions = result.end.sessions - result.before.sessions;
  const auto each = [sessions](std::uint64_t before, std::uint64_t after) {
    return std::round((static_cast<double>(after) - static_cast<double>(before)) /
                      static_cast<double>(sessions));
  };
  Json memory{
      {"sessions", sessions}, {"rss", nullptr}, {"pss", nullptr}, {"private_dirty", nullptr}};
  if (result.before.server_memory && result.end.server_memory) {
    const ProcessMemory& before = *result.before.server_memory;
    const ProcessMemory& after = *result.end.server_memory;
    memory["rss"] = each(before.rss, after.rss);
    memory["pss"] = each(before.pss, after.pss);
    memory["private_dirty"] = each(before.private_dirty, after.private_dirty);
  }
  memory["kernel_tcp_memory"] = each(result.before.kernel.tcp_memory, result.end.kernel.tcp_memory);
  memory["kernel_slab"] = each(result.before.kernel.slab, result.end.kernel.slab);
  return memory;
}

Json generator_of(Run& run) {
  const RunResult& result = run.result();
  const double cpu_s = result.end.own_cpu_s - result.begin.own_cpu_s;
  const double seconds = seconds_between(result.begin, result.end);
  const ring::RingCounters& begin = result.begin.ring;
  const ring::RingCounters& end = result.end.ring;
  return {{"cpu_s", rounded(cpu_s)},
          {"cpu_percent", seconds > 0 ? rounded(100 * cpu_s / seconds) : 0},
          {"rss", result.own_rss},
          {"late_us", distribution(run.crowd().metrics().late)},
          {"was_bottleneck", !result.bottlenecks.empty()},
          {"why", result.bottlenecks},
          {"ring",
           {{"rings", run.crowd().rings().size()},
            {"turns", end.turns - begin.turns},
            {"operations", end.submissions - begin.submissions},
            {"completions", end.completions - begin.completions}}}};
}

/// Of the measured time.
Json undisturbed_of(Run& run, const Options& options) {
  const Metrics& metrics = run.crowd().metrics();
  if (!metrics.undisturbed) {
    return nullptr;
  }
  std::uint64_t stalls = 0;
  std::int64_t longest = 0;
  for (const Stall& stall : metrics.undisturbed->stalls()) {
    if (stall.until >= metrics.measured_from && stall.from < metrics.measured_until) {
      ++stalls;
      longest = std::max(longest, stall.until - stall.from);
    }
  }
  const std::uint64_t all = metrics.latency.count();
  const auto left_out = static_cast<double>(metrics.undisturbed->left_out());
  return {{"cores", options.watched_cores},
          {"stalls", stalls},
          {"longest_us", us(static_cast<std::uint64_t>(longest))},
          {"left_out_share", all == 0 ? 0 : rounded(left_out / static_cast<double>(all))},
          {"latency_us", distribution(metrics.undisturbed->latency())}};
}

Json series_of(const RunResult& result) {
  Json series;
  for (const char* name : {"t_s", "rate", "p50_us", "p99_us", "server_cpu_percent",
                           "generator_cpu_percent", "server_rss", "server_pss", "sessions"}) {
    series[name] = Json::array();
  }
  for (const Sample& sample : result.samples) {
    const bool has_latency = sample.p99_us > 0;
    series["t_s"].push_back(rounded(sample.t_s));
    series["rate"].push_back(rounded(sample.rate));
    series["p50_us"].push_back(has_latency ? Json(rounded(sample.p50_us)) : Json(nullptr));
    series["p99_us"].push_back(has_latency ? Json(rounded(sample.p99_us)) : Json(nullptr));
    series["server_cpu_percent"].push_back(or_null(sample.server_cpu_percent));
    series["generator_cpu_percent"].push_back(rounded(sample.generator_cpu_percent));
    series["server_rss"].push_back(or_null(sample.server_rss));
    series["server_pss"].push_back(or_null(sample.server_pss));
    series["sessions"].push_back(sample.sessions);
  }
  return series;
}

}  // namespace

std::string report_json(Run& run, const Options& options) {
  const RunResult& result = run.result();
  const CrowdCounts& counts = run.crowd().counts();
  Json report{
      {"schema", "rondel-load/1"},
      {"scenario", options.scenario},
      {"label", options.label},
      {"started", result.started},
      {"options", options_of(options)},
      {"machine", {{"kernel", kernel_release()}, {"cpu", cpu_model()}, {"cpus", cpu_count()}}},
      {"ok", run.is_clean()},
      {"interrupted", result.is_interrupted},
      {"problems", problems_of(run)},
      {"measured_from_s", rounded(static_cast<double>(result.begin.at_ns - result.zero_ns) / 1e9)},
      {"measured_s", rounded(seconds_between(result.begin, result.end))},
      {"work", work_of(run)},
      {"sessions",
       {{"wanted", options.users},
        {"established", counts.logins},
        {"failed", counts.failed},
        {"ended", counts.ended}}},
      {"login", login_of(run)},
      {"messages", messages_of(run)},
      {"latency_us", distribution(run.crowd().metrics().latency)},
      {"undisturbed", undisturbed_of(run, options)},
      {"server", server_of(run)},
      {"kernel",
       {{"socket_before", kernel_of(result.before.kernel)},
        {"socket_start", kernel_of(result.begin.kernel)},
        {"socket_end", kernel_of(result.end.kernel)}}},
      {"memory_per_session", memory_per_session(run)},
      {"generator", generator_of(run)},
      {"series", series_of(result)}};
  for (const char* scenario : {"presence", "roster", "churn", "idle", "mixed"}) {
    report[scenario] = nullptr;
  }
  if (const auto figures = run.scenario().figures(); !figures.empty()) {
    Json part;
    for (const auto& [name, value] : figures) {
      part[name] = rounded(value);
    }
    report[options.scenario] = part;
  }
  return report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string report_text(const std::string& json) {
  const Json report = Json::parse(json);
  const Json& work = report["work"];
  const auto count = work["count"].get<std::uint64_t>();
  const auto unit = work["unit"].get<std::string>();
  std::string text =
      fmt::format("{} against {}: {} {} in {:.1f} s", report["scenario"].get<std::string>(),
                  report["label"].get<std::string>(), count, count == 1 ? unit : plural(unit),
                  report["measured_s"].get<double>());
  text += work["rate"].is_null() ? "; CPU is for each second\n"
                                 : fmt::format(", {:.0f} a second\n", work["rate"].get<double>());
  if (const Json& each = work["server_cpu_us_each"]; !each.is_null()) {
    text += fmt::format("  server CPU    {:.3f} us each\n", each.get<double>());
  }
  if (const Json& each = work["generator_cpu_us_each"]; !each.is_null()) {
    text += fmt::format("  generator CPU {:.3f} us each, {:.0f} % of its core\n",
                        each.get<double>(), report["generator"]["cpu_percent"].get<double>());
  }
  if (const Json& latency = report["latency_us"]; !latency.is_null()) {
    text += fmt::format("  latency       p50 {} us, p99 {} us, p99.9 {} us, max {} us\n",
                        latency["p50"].dump(), latency["p99"].dump(), latency["p99_9"].dump(),
                        latency["max"].dump());
  }
  if (const Json& undisturbed = report["undisturbed"]; !undisturbed.is_null()) {
    const Json& latency = undisturbed["latency_us"];
    text += fmt::format(
        "  undisturbed   p50 {} us, p99 {} us; left out: {:.1f} %, near {} stalls of cores\n",
        latency.is_null() ? "-" : latency["p50"].dump(),
        latency.is_null() ? "-" : latency["p99"].dump(),
        100 * undisturbed["left_out_share"].get<double>(), undisturbed["stalls"].dump());
  }
  if (const Json& counts = report["messages"]; !counts.is_null()) {
    text += fmt::format("  messages      {} sent, {} delivered", counts["sent"].dump(),
                        counts["delivered"].dump());
    for (const char* what : {"lost", "repeated", "reordered", "misrouted", "altered", "bounced"}) {
      text += fmt::format(", {} {}", counts[what].dump(), what);
    }
    text += "\n";
  }
  for (const Json& why : report["generator"]["why"]) {
    text +=
        fmt::format("  note: the generator may have been the limit: {}\n", why.get<std::string>());
  }
  for (const Json& problem : report["problems"]) {
    text += fmt::format("  problem: {} ({} times, first: {})\n", problem["what"].get<std::string>(),
                        problem["count"].dump(), problem["first"].get<std::string>());
  }
  return text;
}

}  // namespace rondel::load
