#include "perf/load/histogram.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "perf/load/clock.h"

namespace rondel::load {
namespace {

TEST(Histogram, CountsSmallValuesExactly) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 200; ++value) {
    histogram.add(value);
  }
  EXPECT_EQ(histogram.count(), 200U);
  EXPECT_EQ(histogram.min(), 1U);
  EXPECT_EQ(histogram.max(), 200U);
  EXPECT_DOUBLE_EQ(histogram.mean(), 100.5);
  EXPECT_EQ(histogram.at_percentile(50), 100U);
  EXPECT_EQ(histogram.at_percentile(99), 198U);
  EXPECT_EQ(histogram.at_percentile(100), 200U);
}

TEST(Histogram, KeepsPercentilesOfLargeValuesWithinOnePercent) {
  Dice dice(7);
  Histogram histogram;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    // From 1 to 10^11, even on a logarithmic scale.
    values.push_back(static_cast<std::uint64_t>(std::pow(10, 11 * dice.part())));
    histogram.add(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double percent : {0.1, 10.0, 50.0, 90.0, 99.0, 99.9, 99.99}) {
    const auto rank = static_cast<std::size_t>(std::ceil(values.size() * percent / 100)) - 1;
    const auto exact = static_cast<double>(values[rank]);
    EXPECT_NEAR(static_cast<double>(histogram.at_percentile(percent)), exact, exact * 0.01)
        << percent;
  }
}

TEST(Histogram, MergesAsIfAllHadBeenAddedToOne) {
  Histogram left;
  Histogram right;
  Histogram both;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    (i % 2 == 0 ? left : right).add(i * i);
    both.add(i * i);
  }
  left.merge(right);
  EXPECT_EQ(left.count(), both.count());
  EXPECT_EQ(left.min(), both.min());
  EXPECT_EQ(left.max(), both.max());
  EXPECT_EQ(left.curve(), both.curve());
}

TEST(Histogram, IsZeroWhileEmptyAndAfterClear) {
  Histogram histogram;
  EXPECT_EQ(histogram.at_percentile(99), 0U);
  EXPECT_EQ(histogram.min(), 0U);
  EXPECT_TRUE(histogram.curve().empty());
  histogram.add(12'345);
  histogram.clear();
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.max(), 0U);
}

TEST(Histogram, TakesAnyValue) {
  Histogram histogram;
  histogram.add(~std::uint64_t{0});
  histogram.add(0);
  EXPECT_EQ(histogram.max(), ~std::uint64_t{0});
  EXPECT_EQ(histogram.at_percentile(50), 0U);
  EXPECT_GE(histogram.at_percentile(100), std::uint64_t{1} << 42);
}

TEST(Histogram, DrawsACurveThatOnlyRises) {
  Histogram histogram;
  for (std::uint64_t i = 1; i < 100'000; ++i) {
    histogram.add(i);
  }
  const auto curve = histogram.curve();
  ASSERT_GT(curve.size(), 20U);
  for (std::size_t i = 1; i < curve.size(); ++i) {
    EXPECT_GT(curve[i].first, curve[i - 1].first);
    EXPECT_GE(curve[i].second, curve[i - 1].second);
  }
  EXPECT_EQ(curve.back().first, 100);
}

TEST(Schedule, IsDueAtTheRateWhoeverKeepsUp) {
  Schedule schedule(1000, false, 1);
  schedule.start(5 * kSecond);
  for (int i = 1; i <= 3000; ++i) {
    EXPECT_EQ(schedule.take(), 5 * kSecond + i * kSecond / 1000);
  }
  schedule.stop();
  EXPECT_EQ(schedule.next(), kNever);
}

TEST(Schedule, KeepsTheRateWithPoissonArrivals) {
  Schedule schedule(1000, true, 1);
  schedule.start(0);
  std::int64_t last = 0;
  for (int i = 0; i < 100'000; ++i) {
    last = schedule.take();
  }
  EXPECT_NEAR(static_cast<double>(last) / 1e9, 100, 1.5);
}

TEST(Schedule, NeverIsDueAtARateOfZero) {
  Schedule schedule(0, false, 1);
  schedule.start(0);
  EXPECT_EQ(schedule.next(), kNever);
}

}  // namespace
}  // namespace rondel::load
