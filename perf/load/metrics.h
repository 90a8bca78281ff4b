// What a run counts while it goes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "perf/load/clock.h"
#include "perf/load/histogram.h"
#include "perf/load/undisturbed.h"

namespace rondel::load {

/// Everything that went wrong, in words, and how often.
class Problems {
 public:
  static constexpr std::size_t kKindsMax = 50;

  void add(const std::string& what, const std::string& example = {}, std::uint64_t times = 1) {
    if (found_.size() >= kKindsMax && !found_.contains(what)) {
      add("other problems", what, times);
      return;
    }
    Entry& entry = found_[what];
    entry.count += times;
    if (entry.first.empty()) {
      entry.first = example;
    }
  }

  struct Entry {
    std::uint64_t count = 0;
    std::string first;  ///< Who, or which.
  };
  [[nodiscard]] const std::map<std::string, Entry>& found() const { return found_; }
  [[nodiscard]] bool empty() const { return found_.empty(); }

 private:
  std::map<std::string, Entry> found_;
};

/// Times of what a scenario does. Units: nanoseconds.
struct Metrics {
  std::int64_t measured_from = kNever;
  std::int64_t measured_until = kNever;
  Histogram latency;                              ///< Of what was due in the measured time.
  Histogram interval;                             ///< Since the last point of the series.
  Histogram late;                                 ///< From due time to writing.
  std::optional<UndisturbedLatency> undisturbed;  ///< Of `latency`, if cores are watched.
  std::uint64_t unsent = 0;  ///< Events that were due for a session that is gone.
  Problems problems;

  [[nodiscard]] bool is_measured(std::int64_t due) const {
    return due >= measured_from && due < measured_until;
  }
  void note_latency(std::int64_t due, std::int64_t now) {
    const auto taken = static_cast<std::uint64_t>(now > due ? now - due : 0);
    interval.add(taken);
    if (is_measured(due)) {
      latency.add(taken);
      if (undisturbed) {
        undisturbed->add(due, taken);
      }
    }
  }
  void note_late(std::int64_t due, std::int64_t now) {
    if (is_measured(due)) {
      late.add(static_cast<std::uint64_t>(now > due ? now - due : 0));
    }
  }
};

}  // namespace rondel::load
