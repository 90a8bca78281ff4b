#include "base/timer_wheel.h"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace rondel::base {
namespace {

struct TestTimer final : Timer {
  std::function<void()> on_expiry;
  void expired() override { on_expiry(); }
};

constexpr std::uint64_t kRangeMs = (std::uint64_t{1} << 32) - 256;

class TimerWheelAt : public testing::TestWithParam<std::uint64_t> {};

// 0, in the middle, and just before each level's digit turns over.
INSTANTIATE_TEST_SUITE_P(Starts,
                         TimerWheelAt,
                         testing::Values(0u,
                                         123'456'789u,
                                         255u,
                                         256u,
                                         65'535u,
                                         (1u << 24) - 1,
                                         0xffff'ffffu,
                                         0xffff'ff00u,
                                         0x1'8000'0100u));

TEST_P(TimerWheelAt, EachTimerExpiresAtItsMillisecond) {
  const std::uint64_t start = GetParam();
  for (const std::uint64_t delay :
       {1u, 2u, 255u, 256u, 257u, 511u, 65'535u, 65'536u, 65'537u, 200'000u}) {
    TimerWheel wheel(start);
    TestTimer timer;
    std::uint64_t expired_at = 0;
    timer.on_expiry = [&] { expired_at = wheel.now_ms(); };
    wheel.set(timer, delay);
    wheel.advance(start + delay - 1);
    ASSERT_EQ(expired_at, 0u) << delay;
    ASSERT_TRUE(timer.is_set());
    wheel.advance(start + delay);
    ASSERT_EQ(expired_at, start + delay) << delay;
    ASSERT_FALSE(timer.is_set());
  }
}

TEST_P(TimerWheelAt, RandomTimersBehaveLikeASortedMap) {
  std::mt19937_64 random(GetParam() + 1);
  std::uint64_t now = GetParam();
  TimerWheel wheel(now);
  constexpr int kTimers = 200;
  std::vector<TestTimer> timers(kTimers);
  std::vector<std::uint64_t> due(kTimers, 0);  // The model; 0: not set.
  std::uint64_t last = 0;
  int expiries = 0;
  const auto set_random = [&](int i) {
    // Delays of every magnitude up to some 17 minutes.
    const std::uint64_t delay = random() % (std::uint64_t{1} << (1 + random() % 20));
    wheel.set(timers[static_cast<std::size_t>(i)], delay);
    due[static_cast<std::size_t>(i)] = wheel.now_ms() + std::max<std::uint64_t>(delay, 1);
  };
  for (int i = 0; i < kTimers; ++i) {
    timers[static_cast<std::size_t>(i)].on_expiry = [&, i] {
      ASSERT_EQ(wheel.now_ms(), due[static_cast<std::size_t>(i)]);
      ASSERT_GE(wheel.now_ms(), last) << "in the order of time";
      last = wheel.now_ms();
      due[static_cast<std::size_t>(i)] = 0;
      ++expiries;
      if (random() % 4 == 0) {
        set_random(i);
      }
      if (random() % 8 == 0) {
        const auto other = random() % kTimers;
        timers[other].cancel();
        due[other] = 0;
      }
    };
  }
  for (int step = 0; step < 3000; ++step) {
    set_random(static_cast<int>(random() % kTimers));
    // The wheel must never ask to be looked at later than the earliest timer.
    std::uint64_t earliest = ~std::uint64_t{0};
    for (const std::uint64_t d : due) {
      earliest = d == 0 ? earliest : std::min(earliest, d);
    }
    const std::uint64_t bound = random() % 1000;
    const std::uint64_t asked = wheel.next_delay_ms(bound);
    ASSERT_LE(asked, bound);
    ASSERT_LE(asked, earliest - now);
    if (earliest < (now | 255) + 1 && earliest - now <= bound) {
      ASSERT_EQ(asked, earliest - now) << "exact until the next multiple of 256";
    }
    now += random() % 3 == 0 ? asked : random() % (std::uint64_t{1} << (random() % 14));
    wheel.advance(now);
    for (const std::uint64_t d : due) {
      ASSERT_TRUE(d == 0 || d > now);
    }
  }
  EXPECT_GT(expiries, 500);
}

TEST_P(TimerWheelAt, FollowingNextDelayReachesEveryTimerOnTime) {
  TimerWheel wheel(GetParam());
  std::mt19937_64 random(3);
  std::vector<TestTimer> timers(50);
  int left = 0;
  for (TestTimer& timer : timers) {
    const std::uint64_t delay = 1 + random() % 100'000;
    const std::uint64_t due = GetParam() + delay;
    timer.on_expiry = [&wheel, &left, due] {
      --left;
      EXPECT_EQ(wheel.now_ms(), due);
    };
    wheel.set(timer, delay);
    ++left;
  }
  std::uint64_t now = GetParam();
  int turns = 0;
  while (left > 0 && turns < 1000) {
    const std::uint64_t delay = wheel.next_delay_ms(1'000'000);
    ASSERT_GT(delay, 0u);
    wheel.advance(now += delay);
    ++turns;
  }
  EXPECT_EQ(left, 0);
  EXPECT_LE(turns, 100'000 / 256 + 1 + 50) << "an early wake-up comes once in 256 ms at most";
}

TEST(TimerWheel, ADelayOfZeroExpiresAtTheNextAdvance) {
  TimerWheel wheel(1000);
  TestTimer timer;
  bool has_expired = false;
  timer.on_expiry = [&] { has_expired = true; };
  wheel.set(timer, 0);
  wheel.advance(1000);
  EXPECT_FALSE(has_expired) << "no time has passed";
  wheel.advance(1001);
  EXPECT_TRUE(has_expired);
}

TEST(TimerWheel, SettingAgainMovesATimer) {
  TimerWheel wheel(0);
  TestTimer timer;
  int expiries = 0;
  timer.on_expiry = [&] { ++expiries; };
  wheel.set(timer, 10);
  wheel.set(timer, 1000);
  wheel.advance(999);
  EXPECT_EQ(expiries, 0);
  wheel.advance(1000);
  EXPECT_EQ(expiries, 1);
  wheel.advance(5000);
  EXPECT_EQ(expiries, 1);
}

TEST(TimerWheel, ACancelledOrDestroyedTimerNeverExpires) {
  TimerWheel wheel(0);
  TestTimer cancelled;
  cancelled.on_expiry = [] { FAIL(); };
  wheel.set(cancelled, 300);
  {
    TestTimer destroyed;
    destroyed.on_expiry = [] { FAIL(); };
    wheel.set(destroyed, 300);
  }
  cancelled.cancel();
  EXPECT_FALSE(cancelled.is_set());
  wheel.advance(1000);
}

TEST(TimerWheel, ATimerMayCancelAnotherOfTheSameMillisecond) {
  TimerWheel wheel(0);
  TestTimer first, second;
  first.on_expiry = [&] { second.cancel(); };
  second.on_expiry = [] { FAIL(); };
  wheel.set(first, 5);
  wheel.set(second, 5);
  wheel.advance(10);
}

TEST(TimerWheel, ATimerMayDestroyItself) {
  TimerWheel wheel(0);
  auto timer = std::make_unique<TestTimer>();
  timer->on_expiry = [&] { timer.reset(); };
  wheel.set(*timer, 5);
  wheel.advance(10);
  EXPECT_EQ(timer, nullptr);
}

TEST(TimerWheel, ATimerThatSetsItselfWithoutDelayExpiresOncePerMillisecond) {
  TimerWheel wheel(0);
  TestTimer timer;
  int expiries = 0;
  timer.on_expiry = [&] {
    ++expiries;
    wheel.set(timer, 0);
  };
  wheel.set(timer, 0);
  wheel.advance(100);
  EXPECT_EQ(expiries, 100);
}

TEST(TimerWheel, TimersOfOneMillisecondExpireInTheOrderOfSetting) {
  TimerWheel wheel(0);
  std::vector<int> order;
  std::vector<TestTimer> timers(5);
  for (int i = 0; i < 5; ++i) {
    timers[static_cast<std::size_t>(i)].on_expiry = [&order, i] { order.push_back(i); };
    wheel.set(timers[static_cast<std::size_t>(i)], 7);
  }
  wheel.advance(7);
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
}

TEST(TimerWheel, CutsADelayToItsRange) {
  TimerWheel wheel(0x8000'0200);
  TestTimer timer;
  timer.on_expiry = [] { FAIL(); };
  wheel.set(timer, ~std::uint64_t{0});
  // Just far enough to see that it did not wrap around into the near future.
  wheel.advance(0x8000'0200 + 300'000);
  EXPECT_TRUE(timer.is_set());
  static_assert(kRangeMs > 49ull * 24 * 3600 * 1000);
}

TEST(TimerWheel, NextDelayIsTheBoundWhileNothingIsSet) {
  TimerWheel wheel(256);
  EXPECT_EQ(wheel.next_delay_ms(100), 100u);
  EXPECT_EQ(wheel.next_delay_ms(0), 0u);
  EXPECT_EQ(wheel.next_delay_ms(10'000), 256u) << "the next turn of the lowest level";
}

}  // namespace
}  // namespace rondel::base
