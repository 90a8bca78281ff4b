#include "perf/load/undisturbed.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <sched.h>
#include <string>
#include <thread>
#include <unistd.h>

#include "perf/load/core_thread.h"
#include "perf/load/stall_watch.h"

namespace rondel::load {
namespace {

constexpr std::int64_t kMs = kSecond / 1000;

TEST(Stretches, ContainTheirEndsAndNothingBetween) {
  Stretches stretches;
  EXPECT_FALSE(stretches.contains(0));
  stretches.add(30, 40);
  stretches.add(10, 20);
  for (const auto& [moment, is_in] : {std::pair(9, false),
                                      {10, true},
                                      {20, true},
                                      {21, false},
                                      {29, false},
                                      {30, true},
                                      {40, true},
                                      {41, false}}) {
    EXPECT_EQ(stretches.contains(moment), is_in) << moment;
  }
}

TEST(Stretches, BecomeOneWhereTheyMeet) {
  Stretches stretches;
  stretches.add(10, 20);
  stretches.add(30, 40);
  stretches.add(50, 60);
  stretches.add(20, 35);
  stretches.add(12, 13);
  for (std::int64_t moment = 0; moment < 70; ++moment) {
    EXPECT_EQ(stretches.contains(moment),
              (moment >= 10 && moment <= 40) || (moment >= 50 && moment <= 60))
        << moment;
  }
}

TEST(UndisturbedLatency, LeavesOutWhatWasDueNearAStall) {
  const std::int64_t from = 1000 * kMs;
  const std::int64_t until = 1003 * kMs;  // Of 3 ms: twice these behind it.
  for (const auto& [due, is_left_out] : {std::pair(from - UndisturbedLatency::kBeforeNs - 1, false),
                                         {from - UndisturbedLatency::kBeforeNs, true},
                                         {from, true},
                                         {until, true},
                                         {until + 6 * kMs, true},
                                         {until + 6 * kMs + 1, false}}) {
    UndisturbedLatency undisturbed;
    undisturbed.note({from, until});
    undisturbed.add(due, 42);
    undisturbed.judge(kNever);
    EXPECT_EQ(undisturbed.left_out(), is_left_out ? 1U : 0U) << due - from;
    EXPECT_EQ(undisturbed.latency().count(), is_left_out ? 0U : 1U) << due - from;
  }
}

TEST(UndisturbedLatency, LeavesOutFiveMillisecondsBehindAShortStall) {
  UndisturbedLatency undisturbed;
  undisturbed.note({0, kMs});
  undisturbed.add(kMs + UndisturbedLatency::kAfterNs, 1);
  undisturbed.add(kMs + UndisturbedLatency::kAfterNs + 1, 2);
  undisturbed.judge(kNever);
  EXPECT_EQ(undisturbed.left_out(), 1U);
  EXPECT_EQ(undisturbed.latency().max(), 2U);
}

TEST(UndisturbedLatency, DoesNotAskHowLongAnEventTook) {
  UndisturbedLatency undisturbed;
  undisturbed.note({5 * kSecond, 6 * kSecond});
  undisturbed.add(kSecond,
                  10 * kSecond);    // Under way through the whole stall: a slow server's own time.
  undisturbed.add(5 * kSecond, 1);  // Quick, and left out all the same.
  undisturbed.judge(kNever);
  EXPECT_EQ(undisturbed.latency().count(), 1U);
  EXPECT_EQ(undisturbed.latency().max(), static_cast<std::uint64_t>(10 * kSecond));
}

TEST(UndisturbedLatency, WaitsForNewsOfAStallThatHasNotEnded) {
  UndisturbedLatency undisturbed;
  undisturbed.add(kSecond, 42);
  undisturbed.judge(kSecond + UndisturbedLatency::kNewsNs - 1);
  EXPECT_EQ(undisturbed.latency().count(), 0U);
  undisturbed.note({kSecond + kMs, kSecond + 500 * kMs});
  undisturbed.judge(kSecond + UndisturbedLatency::kNewsNs);
  EXPECT_EQ(undisturbed.left_out(), 1U);
}

TEST(UndisturbedLatency, LeavesOutEverythingBehindAStallWithoutEnd) {
  UndisturbedLatency undisturbed;
  undisturbed.note({kSecond, kNever});
  undisturbed.add(1000 * kSecond, 42);
  undisturbed.judge(kNever);
  EXPECT_EQ(undisturbed.left_out(), 1U);
}

/// A core that this test may use.
unsigned some_core() {
  cpu_set_t cores;
  sched_getaffinity(0, sizeof(cores), &cores);
  unsigned core = 0;
  while (!CPU_ISSET(core, &cores)) {
    ++core;
  }
  return core;
}

/// Has `core` for itself for 20 ms, before all threads of lower priority; when.
Stall hold_up(unsigned core) {
  Stall held;
  std::thread([&held, core] {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    sched_setaffinity(0, sizeof(cores), &cores);
    sched_param priority{};
    priority.sched_priority = 2;
    sched_setscheduler(0, SCHED_FIFO, &priority);
    held.from = now_ns();
    while (now_ns() < held.from + 20 * kMs) {
    }
    held.until = now_ns();
  }).join();
  return held;
}

TEST(StallWatch, SeesWhenACoreRunsNobodyElse) {
  const unsigned core = some_core();
  auto watch = StallWatch::create({core});
  if (!watch && geteuid() != 0) {
    GTEST_SKIP() << "SKIPPED: needs CAP_SYS_NICE: " << watch.error().message;
  }
  ASSERT_TRUE(watch.has_value()) << watch.error().message;
  usleep(20'000);
  const Stall held = hold_up(core);
  usleep(20'000);
  bool is_seen = false;
  while (const std::optional<Stall> stall =
             (*watch)->take()) {  // The host may have stalls of its own.
    is_seen = is_seen || (stall->from <= held.from + 2 * kMs && stall->until >= held.until - kMs);
  }
  EXPECT_TRUE(is_seen);
}

/// How many threads of this process come behind all others.
int threads_of_last_order() {
  int count = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    count += sched_getscheduler(std::stoi(task.path().filename())) == SCHED_IDLE ? 1 : 0;
  }
  return count;
}

TEST(KeepAwake, SpinsBehindEverybodyElse) {
  {
    const auto threads = keep_awake({some_core()});
    ASSERT_TRUE(threads.has_value()) << threads.error().message;
    EXPECT_EQ(threads_of_last_order(), 1);
  }
  EXPECT_EQ(threads_of_last_order(), 0);
}

TEST(StallWatch, RefusesACoreThatIsNotThere) {
  const auto watch = StallWatch::create({CPU_SETSIZE - 1});
  ASSERT_FALSE(watch.has_value());
  EXPECT_NE(watch.error().message.find("no thread on core 1023"), std::string::npos)
      << watch.error().message;
}

}  // namespace
}  // namespace rondel::load
