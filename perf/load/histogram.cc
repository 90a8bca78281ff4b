#include "perf/load/histogram.h"

#include <cmath>

namespace rondel::load {

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    counts_[i] += other.counts_[i];
  }
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

std::uint64_t Histogram::top_of(std::size_t index) {
  constexpr std::size_t kSteps = std::size_t{1} << kStepBits;
  if (index < 2 * kSteps) {
    return index;
  }
  const std::size_t excess = (index >> kStepBits) - 1;
  const std::uint64_t step = index - (excess << kStepBits);
  return ((step + 1) << excess) - 1;
}

std::uint64_t Histogram::at_percentile(double percent) const {
  const auto wanted = static_cast<std::uint64_t>(
      std::ceil(static_cast<double>(count_) * std::clamp(percent, 0.0, 100.0) / 100));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted && seen > 0) {
      return std::clamp(top_of(i), min(), max_);
    }
  }
  return max_;
}

std::vector<std::pair<double, std::uint64_t>> Histogram::curve() const {
  std::vector<std::pair<double, std::uint64_t>> points;
  if (count_ == 0) {
    return points;
  }
  constexpr int kStepsPerHalf = 4;
  points.emplace_back(0, min());
  double tail = 1;  // The part above the point.
  for (bool is_over = false; !is_over; tail /= 2) {
    for (int step = 0; step < kStepsPerHalf && !is_over; ++step) {
      const double above = tail * (1 - 0.5 * (step + 1) / kStepsPerHalf);
      is_over = above * static_cast<double>(count_) < 1;
      const double percent = is_over ? 100 : 100 * (1 - above);
      points.emplace_back(percent, at_percentile(percent));
    }
  }
  return points;
}

}  // namespace rondel::load
