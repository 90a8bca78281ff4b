// Latencies without the times in which cores stood still.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "perf/load/clock.h"
#include "perf/load/histogram.h"
#include "perf/load/stall_watch.h"

namespace rondel::load {

/// A set of moments, as stretches of time.
class Stretches {
 public:
  /// Adds `from` to `until`, both included.
  void add(std::int64_t from, std::int64_t until);
  [[nodiscard]] bool contains(std::int64_t moment) const;

 private:
  std::vector<Stall> stretches_;  ///< Sorted, and none touches another.
};

/// Leaves out what was due near a stall, for good and bad latencies alike.
///
/// What counts is when an event was due, never how long it took: else the slow would be left out
/// for being slow. Memory: 16 bytes for each event of the last second, and for each stall.
class UndisturbedLatency {
 public:
  /// Left out before a stall: what may still have been under way when it began.
  static constexpr std::int64_t kBeforeNs = kSecond / 200;
  /// Left out behind it at least; more behind longer ones, since what became due meanwhile waits.
  static constexpr std::int64_t kAfterNs = kSecond / 200;
  static constexpr std::int64_t kAfterTimes = 2;
  /// For so long an event waits for news of stalls.
  static constexpr std::int64_t kNewsNs = kSecond;

  void note(const Stall& stall);
  void add(std::int64_t due, std::uint64_t taken) { waiting_.push_back({due, taken}); }
  /// Judges what was due before `now` - kNewsNs; with kNever, everything.
  void judge(std::int64_t now) {
    while (!waiting_.empty() && waiting_.front().due <= now - kNewsNs) {
      judge_first();
    }
  }

  /// Of what was judged and not left out. Units: nanoseconds.
  [[nodiscard]] const Histogram& latency() const { return latency_; }
  /// Events.
  [[nodiscard]] std::uint64_t left_out() const { return left_out_; }
  [[nodiscard]] const std::vector<Stall>& stalls() const { return stalls_; }

 private:
  struct Event {
    std::int64_t due;
    std::uint64_t taken;
  };

  void judge_first();

  std::deque<Event> waiting_;
  std::vector<Stall> stalls_;
  Stretches disturbed_;
  Histogram latency_;
  std::uint64_t left_out_ = 0;
};

}  // namespace rondel::load
