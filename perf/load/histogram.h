// Counts values by logarithmic ranges with linear steps in each.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace rondel::load {

/// A distribution that takes a few nanoseconds to add to and keeps every value within 1 %.
///
/// Exact below 256; above, 128 steps for each power of two. Limits: values above 2^42 count as
/// 2^42 (an hour in nanoseconds); minimum, maximum and mean are exact.
class Histogram {
 public:
  void add(std::uint64_t value, std::uint64_t times = 1) {
    counts_[index_of(value)] += times;
    count_ += times;
    sum_ += static_cast<double>(value) * static_cast<double>(times);
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }
  void merge(const Histogram& other);
  void clear() { *this = Histogram(); }

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t min() const { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }
  [[nodiscard]] double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
  /// The smallest value that `percent` of all are not above; 0 if there are none.
  [[nodiscard]] std::uint64_t at_percentile(double percent) const;
  /// Percentile and value at the ends of the tail's halves: 50, 75, 87.5, ... with steps between.
  [[nodiscard]] std::vector<std::pair<double, std::uint64_t>> curve() const;

 private:
  static constexpr int kStepBits = 7;
  static constexpr std::uint64_t kValueMax = std::uint64_t{1} << 42;
  static constexpr std::size_t kSize = (42 - kStepBits + 2) << kStepBits;

  static std::size_t index_of(std::uint64_t value) {
    value = std::min(value, kValueMax);
    const int excess = std::max(0, static_cast<int>(std::bit_width(value)) - (kStepBits + 1));
    return (static_cast<std::size_t>(excess) << kStepBits) + (value >> excess);
  }
  /// The largest value that is counted there.
  static std::uint64_t top_of(std::size_t index);

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(kSize);
  std::uint64_t count_ = 0;
  double sum_ = 0;
  std::uint64_t min_ = ~std::uint64_t{0};
  std::uint64_t max_ = 0;
};

}  // namespace rondel::load
