// A busy ring waits a little for several completions at once; nothing is lost or late by it.
#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>

#include "ring/uring_ring.h"
#include "tests/ring/world.h"

namespace rondel::tests {
namespace {

using ring::Op;
using ring::UringRing;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kMany = 40;

/// A ring, and a file that is always ready.
struct World {
  explicit World(base::Nanoseconds gather_max)
      : ring(UringRing::create({.receive_buffers = 0, .gather_max = gather_max}).value()),
        file(eventfd(1, EFD_CLOEXEC)) {}
  ~World() { ::close(file); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Starts operations that complete when they are submitted.
  void start(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      ring->poll(file, POLLIN, tag(Op::poll, i));
    }
  }
  /// One turn; returns how long it took.
  Clock::duration turn() {
    const auto start = Clock::now();
    ring->run_once(std::chrono::milliseconds(900), recorder);
    return Clock::now() - start;
  }
  /// A turn worth waiting for its like.
  void busy_turn() {
    start(kMany);
    recorder.events.clear();
    turn();
    ASSERT_EQ(recorder.events.size(), kMany);
    recorder.events.clear();
  }

  std::unique_ptr<UringRing> ring;
  int file;
  Recorder recorder;
};

TEST(Gathering, after_a_busy_turn_a_single_completion_waits_for_others_but_not_for_long) {
  World world(std::chrono::milliseconds(60));
  world.busy_turn();
  EXPECT_EQ(world.ring->counters().gathers, 0U);
  world.start(1);
  const auto taken = world.turn();
  EXPECT_GE(taken, std::chrono::milliseconds(55));
  EXPECT_LT(taken, std::chrono::milliseconds(800));
  EXPECT_EQ(world.recorder.events.size(), 1U);
  EXPECT_EQ(world.ring->counters().gathers, 1U);
}

TEST(Gathering, ends_at_once_when_half_as_many_have_come) {
  World world(std::chrono::milliseconds(850));
  world.busy_turn();
  world.start(kMany / 2);
  EXPECT_LT(world.turn(), std::chrono::milliseconds(800));
  EXPECT_EQ(world.recorder.events.size(), kMany / 2);
  EXPECT_EQ(world.ring->counters().gathers, 1U);
}

TEST(Gathering, a_quiet_ring_waits_for_one_completion_only) {
  World world(std::chrono::milliseconds(850));
  for (int i = 0; i < 20; ++i) {
    world.start(1);
    EXPECT_LT(world.turn(), std::chrono::milliseconds(800));
  }
  EXPECT_EQ(world.recorder.events.size(), 20U);
  EXPECT_EQ(world.ring->counters().gathers, 0U);
}

TEST(Gathering, one_that_finds_nothing_goes_on_as_the_sleep_that_was_asked_for) {
  World world(std::chrono::milliseconds(1));
  world.busy_turn();
  EXPECT_GE(world.turn(), std::chrono::milliseconds(850));
  EXPECT_TRUE(world.recorder.events.empty());
  EXPECT_EQ(world.ring->counters().gathers, 1U);
}

TEST(Gathering, a_turn_that_must_not_sleep_does_not_gather) {
  World world(std::chrono::milliseconds(850));
  world.busy_turn();
  const auto start = Clock::now();
  world.ring->run_once(base::Nanoseconds(0), world.recorder);
  EXPECT_LT(Clock::now() - start, std::chrono::milliseconds(800));
  EXPECT_EQ(world.ring->counters().gathers, 0U);
}

TEST(Gathering, a_wake_before_it_or_within_it_is_not_lost) {
  // Over and over, so that it comes before, within and behind the gathering.
  World world(std::chrono::milliseconds(2));
  int long_sleeps = 0;
  for (int round = 0; round < 60; ++round) {
    world.busy_turn();
    std::atomic<bool> may_wake{false};
    std::thread waker([&] {
      may_wake.wait(false);
      std::this_thread::sleep_for(std::chrono::microseconds(100 * (round % 40)));
      world.ring->wake();
    });
    may_wake = true;
    may_wake.notify_one();
    const auto start = Clock::now();
    while (world.recorder.events.empty()) {
      world.turn();
    }
    long_sleeps += Clock::now() - start > std::chrono::milliseconds(800);
    waker.join();
    EXPECT_EQ(world.recorder.events.front().tag.op, Op::wake);
    world.recorder.events.clear();
  }
  EXPECT_LE(long_sleeps, 2);  // Each a wake that was lost, or a machine too busy to send it.
}

}  // namespace
}  // namespace rondel::tests
