// The simulated ring is a ring (behaviour_test.cc); here is what it adds.
#include "tests/support/sim_ring.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <gtest/gtest.h>

#include "tests/ring/echo_server.h"
#include "tests/ring/world.h"

namespace rondel::tests {
namespace {

using ring::Op;
using ring::ReceiveMode;

/// Everything that a run did, as text.
std::string transcript(std::uint64_t seed) {
  SimRing ring({.seed = seed, .faults = SimFaults::harmless()});
  const int listener = ring.open_listener();
  EchoServer server(ring, listener, seed);
  std::vector<SimPeer> peers;
  std::string text;
  for (int i = 0; i < 5; ++i) {
    peers.push_back(ring.connect(listener));
    peers.back().write(std::string(500, static_cast<char>('a' + i)));
  }
  for (int turn = 0; turn < 60; ++turn) {
    ring.run_once(base::Milliseconds(1), server);
    text += std::to_string(ring.now().count()) + ' ';
    for (SimPeer& peer : peers) {
      text += std::to_string(peer.read().size()) + ' ';
    }
  }
  return text;
}

TEST(SimRing, repeats_a_run_from_its_seed) {
  EXPECT_EQ(transcript(5), transcript(5));
  EXPECT_NE(transcript(5), transcript(6));
}

TEST(SimRing, each_misfortune_happens) {
  SimFaults faults = SimFaults::harmless();
  faults.accept_shortage = 300;
  SimRing ring({.seed = 3, .faults = faults});
  const int listener = ring.open_listener();
  EchoServer server(ring, listener, 3);
  std::vector<SimPeer> peers;
  for (int i = 0; i < 40; ++i) {
    peers.push_back(ring.connect(listener));
    peers.back().write(std::string(5000, 'x'));
  }
  ASSERT_TRUE(run_until(ring, server, [&] { return server.accepted == peers.size(); }));
  run_idle(ring, server, 100);
  EXPECT_GT(server.shortages, 0U);
  EXPECT_GT(server.cancels, 0U);
  EXPECT_GT(ring.counters().buffers_starved, 0U);
  EXPECT_GT(ring.counters().completion_overflows, 0U);
}

TEST(SimRing, a_server_survives_broken_connections_and_leaves_nothing_behind) {
  SimFaults faults = SimFaults::harmless();
  faults.reset = 30;
  faults.failed_receive = 30;
  std::size_t failed = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SimRing ring({.seed = seed, .faults = faults});
    const int listener = ring.open_listener();
    EchoServer server(ring, listener, seed);
    std::vector<SimPeer> peers;
    std::vector<std::string> written(8);
    std::vector<std::string> echoed(8);
    for (std::size_t i = 0; i < written.size(); ++i) {
      peers.push_back(ring.connect(listener));
      written[i] = std::string(3000 * i, static_cast<char>('a' + i));
      peers[i].write(written[i]);
      peers[i].shutdown_write();
    }
    const auto is_over = [&] {
      for (std::size_t i = 0; i < peers.size(); ++i) {
        echoed[i] += peers[i].read(2000);
      }
      return server.accepted == peers.size() && server.connections() == 0;
    };
    ASSERT_TRUE(run_until(ring, server, is_over)) << "seed " << seed;
    run_idle(ring, server, 30);
    for (std::size_t i = 0; i < peers.size(); ++i) {
      echoed[i] += peers[i].read();
      EXPECT_TRUE(written[i].starts_with(echoed[i])) << "seed " << seed;
    }
    server.stop();
    ASSERT_TRUE(run_until(ring, server, [&] { return server.is_idle(); }));
    EXPECT_EQ(ring.operations_under_way(), 0U);
    EXPECT_EQ(ring.open_fds(), 1U);
    failed += server.failed;
  }
  EXPECT_GT(failed, 100U);
}

TEST(SimRing, completions_of_one_connection_stay_in_order_while_others_overtake) {
  SimRing ring({.seed = 11, .faults = SimFaults::harmless()});
  Recorder recorder;
  std::vector<SimPeer> peers;
  std::vector<std::uint32_t> order;
  recorder.at_each = [&](const Event& event) { order.push_back(event.tag.owner.slot); };
  for (std::uint32_t i = 0; i < 10; ++i) {
    auto [fd, peer] = ring.open_pair();
    peer.write("0123456789");
    ring.receive(fd, tag(Op::receive, i), ReceiveMode::one_shot);
    peers.push_back(peer);
  }
  ASSERT_TRUE(run_until(ring, recorder, [&] { return order.size() == 10; }));
  EXPECT_FALSE(std::ranges::is_sorted(order));
}

TEST(SimRing, a_wake_can_be_lost) {
  SimRing ring({.faults = {.lost_wake = 500}});
  Recorder recorder;
  for (int i = 0; i < 100; ++i) {
    ring.wake();
    ring.run_once(base::Milliseconds(1), recorder);
  }
  EXPECT_GT(recorder.events.size(), 20U);
  EXPECT_LT(recorder.events.size(), 80U);
}

TEST(SimRing, time_passes_only_as_far_as_asked) {
  SimRing ring;
  Recorder recorder;
  ring.run_once(base::Milliseconds(50), recorder);
  EXPECT_EQ(ring.now(), base::Milliseconds(50));
  ring.run_once(std::chrono::hours(1), recorder);
  EXPECT_LE(ring.now(), base::Milliseconds(1051));
}

TEST(SimRing, connects_as_the_test_says) {
  SimRing ring;
  Recorder recorder;
  const auto [good, peer] = ring.open_unconnected(0);
  const auto [bad, nobody] = ring.open_unconnected(-ECONNREFUSED);
  ring.connect(good, nullptr, 0, tag(Op::connect, 1));
  ring.connect(bad, nullptr, 0, tag(Op::connect, 2));
  ASSERT_TRUE(run_until(ring, recorder, [&] { return recorder.events.size() == 2; }));
  EXPECT_EQ(recorder.of(tag(Op::connect, 1)).front().result, 0);
  EXPECT_EQ(recorder.of(tag(Op::connect, 2)).front().result, -ECONNREFUSED);
}

TEST(SimRing, has_files) {
  SimRing ring;
  Recorder recorder;
  const int file = ring.open_file();
  ring.write(file, bytes_of("line\n"), tag(Op::write, 1));
  ring.sync(file, tag(Op::sync, 1));
  std::array<std::byte, 8> into{};
  ring.read(file, into, tag(Op::read, 1));
  run_idle(ring, recorder);
  EXPECT_EQ(ring.file_content(file), "line\n");
  EXPECT_EQ(recorder.events.size(), 2U);
  ring.feed_file(file, "abc");
  run_idle(ring, recorder);
  ASSERT_EQ(recorder.of(tag(Op::read, 1)).size(), 1U);
  EXPECT_EQ(recorder.of(tag(Op::read, 1)).front().result, 3);
}

TEST(SimRingDeathTest, stops_a_caller_that_breaks_the_contract) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run = [](const std::function<void(SimRing&, int)>& misuse) {
    SimRing ring({.window_bytes = 1});
    Recorder recorder;
    auto [fd, peer] = ring.open_pair();
    misuse(ring, fd);
    run_idle(ring, recorder);
  };
  EXPECT_DEATH(run([](SimRing& ring, int fd) {
                 ring.receive(fd, tag(Op::receive, 1), ReceiveMode::multishot);
                 ring.close(fd);
               }),
               "");
  EXPECT_DEATH(run([](SimRing& ring, int fd) {
                 ring.send(fd, bytes_of("ab"), tag(Op::send, 1));
                 ring.send(fd, bytes_of("ab"), tag(Op::send, 2));
               }),
               "");
  EXPECT_DEATH(run([](SimRing& ring, int fd) {
                 ring.close(fd);
                 ring.close(fd);
               }),
               "");
}

}  // namespace
}  // namespace rondel::tests
