// One thread with several rings: the first one sleeps for all.
#include <array>
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "ring/uring_ring.h"
#include "tests/ring/world.h"

namespace rondel::tests {
namespace {

using namespace std::chrono_literals;
using ring::Op;
using ring::ReceiveMode;
using ring::UringRing;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kFollowers = 3;
/// Less than the second after which any sleep ends.
constexpr auto kLong = 900ms;
constexpr auto kSoon = 500ms;

/// A ring that sleeps, others that it sleeps for, and a connection on each of these.
class RingsOfAThread : public testing::Test {
 protected:
  RingsOfAThread() : sleeper_(UringRing::create({.receive_buffers = 4}).value()) {
    for (std::uint32_t i = 0; i < kFollowers; ++i) {
      followers_.push_back(
          UringRing::create({.receive_buffers = 4, .sleeper = sleeper_.get()}).value());
      EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets_[i].data()), 0);
      followers_[i]->receive(sockets_[i][0], tag(Op::receive, i), ReceiveMode::multishot);
    }
    turn_followers();
  }
  ~RingsOfAThread() override {
    followers_.clear();
    for (const auto& pair : sockets_) {
      ::close(pair[0]);
      ::close(pair[1]);
    }
  }

  void turn_followers() {
    for (const auto& follower : followers_) {
      follower->run_once(0ns, recorder_);
    }
  }
  Clock::duration sleep(base::Nanoseconds wait = kLong) {
    const auto start = Clock::now();
    sleeper_->run_once(wait, recorder_);
    return Clock::now() - start;
  }
  /// Of a follower, as whoever is at the other end of its connection.
  void write_to(std::uint32_t follower) { EXPECT_EQ(::write(sockets_[follower][1], "x", 1), 1); }

  std::unique_ptr<UringRing> sleeper_;
  std::vector<std::unique_ptr<UringRing>> followers_;
  std::array<std::array<int, 2>, kFollowers> sockets_{};
  Recorder recorder_;
};

TEST_F(RingsOfAThread, what_comes_to_any_of_them_ends_the_sleep) {
  for (std::uint32_t i = 0; i < kFollowers; ++i) {
    std::thread writer([&] {
      std::this_thread::sleep_for(20ms);
      write_to(i);
    });
    EXPECT_LT(sleep(), kSoon) << i;
    writer.join();
    turn_followers();
    EXPECT_EQ(recorder_.data_of(tag(Op::receive, i)), "x");
    sleep(0ns);
  }
  EXPECT_EQ(sleeper_->counters().completions, 0U);  // The sinks hear of none of this.
}

TEST_F(RingsOfAThread, what_has_come_before_the_sleep_is_not_slept_over) {
  write_to(1);
  EXPECT_LT(sleep(), kSoon);
  turn_followers();
  EXPECT_EQ(recorder_.data_of(tag(Op::receive, 1)), "x");
}

TEST_F(RingsOfAThread, what_is_to_be_submitted_is_not_slept_over) {
  followers_[0]->send(sockets_[0][0], bytes_of("y"), tag(Op::send, 7));
  EXPECT_LT(sleep(), kSoon);
  turn_followers();
  EXPECT_EQ(recorder_.finals_of(tag(Op::send, 7)), 1U);
}

TEST_F(RingsOfAThread, a_wake_of_a_ring_that_does_not_sleep_is_not_slept_over) {
  followers_[2]->wake();
  EXPECT_LT(sleep(), kSoon);
  turn_followers();
  EXPECT_EQ(recorder_.events.back().tag.op, Op::wake);
}

TEST_F(RingsOfAThread, quiet_ones_let_it_sleep_and_cost_nothing) {
  sleep(0ns);
  const auto cpu_ns = [] {
    rusage used{};
    getrusage(RUSAGE_THREAD, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1'000'000'000L +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000L;
  };
  const long before = cpu_ns();
  const std::uint64_t turns = sleeper_->counters().turns;
  const auto end = Clock::now() + 300ms;
  while (Clock::now() < end) {
    sleep(end - Clock::now());
    turn_followers();
  }
  EXPECT_LE(sleeper_->counters().turns - turns, 5U);
  EXPECT_LT(cpu_ns() - before, 100'000'000L);
}

TEST_F(RingsOfAThread, nothing_is_told_while_it_is_awake) {
  write_to(0);
  turn_followers();
  write_to(0);
  turn_followers();
  EXPECT_EQ(recorder_.data_of(tag(Op::receive, 0)), "xx");
  EXPECT_GT(sleep(50ms), 40ms);  // Else it would start with what is long done.
}

TEST_F(RingsOfAThread, one_that_is_gone_is_not_missed) {
  followers_.erase(followers_.begin() + 1);
  std::thread writer([&] {
    std::this_thread::sleep_for(20ms);
    write_to(2);
  });
  EXPECT_LT(sleep(), kSoon);
  writer.join();
  turn_followers();
  EXPECT_EQ(recorder_.data_of(tag(Op::receive, 2)), "x");
}

TEST_F(RingsOfAThread, no_byte_is_ever_slept_over) {
  constexpr int kRounds = 2000;
  std::thread writer([&] {
    for (int i = 0; i < kRounds; ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds(i % 50));
      write_to(static_cast<std::uint32_t>(i) % kFollowers);
    }
  });
  const auto received = [&] {
    std::size_t sum = 0;
    for (const auto& event : recorder_.events) {
      sum += event.tag.op == Op::receive ? event.data.size() : 0;
    }
    return sum;
  };
  int lost = 0;
  while (received() < kRounds && lost < 3) {
    const std::size_t before = received();
    const bool is_late = sleep() > kSoon;
    turn_followers();
    lost += is_late && received() > before ? 1 : 0;
  }
  writer.join();
  // A machine too busy to write for half a second is no fault of the ring.
  EXPECT_LT(lost, 3);
  EXPECT_EQ(received(), static_cast<std::size_t>(kRounds));
}

}  // namespace
}  // namespace rondel::tests
