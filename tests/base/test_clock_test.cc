#include "base/test_clock.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace rondel::base {
namespace {

TEST(MonotonicClock, CanBeReplacedAndGivenBack) {
  const std::uint64_t before = monotonic_ms();
  replace_monotonic_clock([]() -> std::uint64_t { return 42; });
  EXPECT_EQ(monotonic_ms(), 42U);
  replace_monotonic_clock(nullptr);
  EXPECT_GE(monotonic_ms(), before);
}

}  // namespace
}  // namespace rondel::base
