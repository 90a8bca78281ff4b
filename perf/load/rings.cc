#include "perf/load/rings.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <limits>
#include <sys/resource.h>
#include <unistd.h>

#include "ring/features.h"

namespace rondel::load {
namespace {

/// Large enough that a busy turn of many sessions finds a buffer for each.
constexpr ring::UringOptions kWhole{.submission_entries = 4096,
                                    .completion_entries = 32768,
                                    .receive_buffers = 4096,
                                    .receive_buffer_bytes = 4096};
/// Open files of the program itself, and some to spare.
constexpr std::uint64_t kOwnFiles = 64;
/// Of these, for what is open for a moment.
constexpr rlim_t kSpareFiles = 8;
/// A ring has two open files itself: at most a quarter of all are for that.
constexpr std::uint64_t kFilesOfARing = 8;
constexpr std::uint64_t kRingsMax = 256;
constexpr std::uint64_t kTableMax = 1 << 20;  // The kernel's own limit.

/// What one of so many rings gets of memory that would be enough for one alone.
constexpr unsigned share(unsigned whole, unsigned rings) {
  return std::bit_floor(whole / rings);
}

std::string words_of(const RingPlan& plan, rlim_t open_files_max, bool has_table, int left) {
  std::string words =
      fmt::format("a process with {} open files at most has room for ", open_files_max);
  if (plan.kept_max > 0) {
    return words + fmt::format("{} sessions, {} of them logging in",
                               std::uint64_t{plan.rings} * plan.kept_max, left);
  }
  return words + fmt::format("{} sessions{}", left,
                             has_table ? "" : ", and for more of them only from Linux 6.13 on");
}

}  // namespace

RingPlan RingPlan::of(std::uint32_t sessions, std::uint64_t open_files_max, bool has_table) {
  if (sessions + kOwnFiles <= open_files_max || !has_table) {
    return {};
  }
  // Every table has a place for each session of its ring, whatever else is an open file just now.
  const std::uint64_t places = std::min(open_files_max, kTableMax);
  const std::uint64_t rings_max = std::clamp<std::uint64_t>(places / kFilesOfARing, 1, kRingsMax);
  const std::uint64_t rings = std::min((sessions + places - 1) / places, rings_max);
  return {static_cast<unsigned>(rings), static_cast<unsigned>(places)};
}

base::Result<std::unique_ptr<Rings>> Rings::create(std::uint32_t sessions) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  RONDEL_TRY(const ring::Features features, ring::probe_features());
  const bool has_table = features.has_prompt_file_table;
  const RingPlan plan = RingPlan::of(sessions, limit.rlim_cur, has_table);
  std::unique_ptr<Rings> rings(new Rings(plan));
  ring::UringOptions options = kWhole;
  options.submission_entries = share(kWhole.submission_entries, plan.rings);
  options.completion_entries = share(kWhole.completion_entries, plan.rings);
  options.receive_buffers = share(kWhole.receive_buffers, plan.rings);
  options.kept_max = plan.kept_max;
  for (unsigned i = 0; i < plan.rings; ++i) {
    options.sleeper = i == 0 ? nullptr : rings->rings_.front().get();
    RONDEL_TRY(std::unique_ptr<ring::UringRing> ring, ring::UringRing::create(options));
    rings->rings_.push_back(std::move(ring));
  }
  rings->descriptors_end_ = static_cast<int>(
      std::min<rlim_t>(limit.rlim_cur, std::numeric_limits<int>::max()) - kSpareFiles);
  // The lowest free number: sockets get theirs from there on.
  const int lowest_free = dup(STDIN_FILENO);
  ::close(lowest_free);
  rings->limit_words_ =
      words_of(plan, limit.rlim_cur, has_table, std::max(0, rings->descriptors_end_ - lowest_free));
  return rings;
}

Rings::~Rings() {
  // The first one outlives those that it sleeps for.
  while (!rings_.empty()) {
    rings_.pop_back();
  }
}

void Rings::turn(base::Nanoseconds wait, ring::Sink& sink) {
  for (std::size_t i = 1; i < rings_.size(); ++i) {
    ring::UringRing& ring = *rings_[i];
    const std::uint64_t before = ring.counters().completions;
    ring.run_once(base::Nanoseconds(0), sink);
    if (ring.counters().completions != before) {
      wait = base::Nanoseconds(0);  // What it brought may be to be answered.
    }
  }
  rings_.front()->run_once(wait, sink);
}

ring::RingCounters Rings::counters() const {
  ring::RingCounters sum = rings_.front()->counters();
  for (std::size_t i = 1; i < rings_.size(); ++i) {
    const ring::RingCounters& counters = rings_[i]->counters();
    sum.submissions += counters.submissions;
    sum.completions += counters.completions;
    sum.buffers_starved += counters.buffers_starved;
    sum.completion_overflows += counters.completion_overflows;
    sum.parked += counters.parked;
  }
  return sum;
}

}  // namespace rondel::load
