// Real faults on the kernel's ring: tiny rings, tiny buffers, exhausted descriptors, other threads.
#include "ring/uring_ring.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <liburing.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "ring/listener.h"
#include "tests/ring/allocations.h"
#include "tests/ring/few_files.h"
#include "tests/ring/world.h"

namespace rondel::tests {
namespace {

using ring::Op;
using ring::ReceiveMode;
using ring::Tag;
using ring::UringOptions;
using ring::UringRing;

const Tag kAccept = tag(Op::accept, 0);
const Tag kReceive = tag(Op::receive, 1);
const Tag kSend = tag(Op::send, 1);

std::unique_ptr<UringRing> make_ring(const UringOptions& options = {.receive_buffers = 16}) {
  return UringRing::create(options).value();
}

std::size_t open_fds() {
  const std::filesystem::directory_iterator folder("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(folder), end(folder)));
}

/// Both ends of a connection, closed at the end.
struct Pair {
  explicit Pair(int send_buffer = 0) {
    int both[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both), 0);
    server = both[0];
    peer = both[1];
    if (send_buffer > 0) {
      setsockopt(server, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    }
  }
  ~Pair() {
    ::close(server);
    ::close(peer);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  int server;
  int peer;
};

TEST(UringRing, parks_what_finds_no_slot_and_submits_it_in_order) {
  auto ring = make_ring({.submission_entries = 4, .completion_entries = 8, .receive_buffers = 2});
  Recorder recorder;
  const Pair pair;
  const std::string digits = "0123456789abcdefghijklmnopqrstuvwxyz";
  for (std::uint32_t i = 0; i < digits.size(); ++i) {
    ring->write(pair.server, bytes_of(std::string_view(digits).substr(i, 1)), tag(Op::write, i));
  }
  ASSERT_TRUE(run_until(*ring, recorder, [&] { return recorder.events.size() == digits.size(); }));
  EXPECT_GE(ring->counters().parked, digits.size() - 4);
  std::string content(64, '\0');
  content.resize(static_cast<std::size_t>(recv(pair.peer, content.data(), content.size(), 0)));
  EXPECT_EQ(content, digits);
}

TEST(UringRing, loses_no_completion_when_the_completion_ring_overflows) {
  auto ring = make_ring({.submission_entries = 4, .completion_entries = 4, .receive_buffers = 2});
  Recorder recorder;
  // All become ready at once, while nobody looks.
  std::vector<std::unique_ptr<Pair>> pairs;
  for (std::uint32_t i = 0; i < 50; ++i) {
    pairs.push_back(std::make_unique<Pair>());
    ring->poll(pairs.back()->server, POLLIN, tag(Op::poll, i));
  }
  run_idle(*ring, recorder, 20);
  ASSERT_TRUE(recorder.events.empty());
  for (const auto& pair : pairs) {
    ASSERT_EQ(::write(pair->peer, "x", 1), 1);
  }
  ASSERT_TRUE(run_until(*ring, recorder, [&] { return recorder.events.size() == 50; }));
  EXPECT_GT(ring->counters().completion_overflows, 0U);
  EXPECT_EQ(ring->operations_under_way(), 0U);
}

TEST(UringRing, starved_receives_go_on_when_buffers_return) {
  auto ring = make_ring({.receive_buffers = 2, .receive_buffer_bytes = 64});
  Recorder recorder;
  constexpr std::uint32_t kPairs = 20;
  std::vector<std::unique_ptr<Pair>> pairs;
  const std::string text(1000, 'y');
  for (std::uint32_t i = 0; i < kPairs; ++i) {
    pairs.push_back(std::make_unique<Pair>());
    ASSERT_EQ(::write(pairs.back()->peer, text.data(), text.size()), 1000);
    ring->receive(pairs.back()->server, tag(Op::receive, i), ReceiveMode::multishot);
  }
  ASSERT_TRUE(run_until(*ring, recorder, [&] {
    std::size_t bytes = 0;
    for (const Event& event : recorder.events) {
      bytes += event.data.size();
    }
    return bytes == kPairs * text.size();
  }));
  EXPECT_GT(ring->counters().buffers_starved, 0U);
  EXPECT_EQ(ring->buffers_free(), 2U);
  for (const Event& event : recorder.events) {
    EXPECT_GT(event.result, 0) << "a handler must not hear of ENOBUFS";
    EXPECT_TRUE(event.has_more);
  }
}

TEST(UringRing, a_starved_receive_that_is_cancelled_ends_exactly_once) {
  auto ring = make_ring({.receive_buffers = 1, .receive_buffer_bytes = 16});
  constexpr std::uint32_t kPairs = 8;
  std::vector<std::unique_ptr<Pair>> pairs;
  Recorder recorder;
  const std::string text(100, 'z');
  for (std::uint32_t i = 0; i < kPairs; ++i) {
    pairs.push_back(std::make_unique<Pair>());
    ASSERT_EQ(::write(pairs.back()->peer, text.data(), text.size()), 100);
    ring->receive(pairs.back()->server, tag(Op::receive, i), ReceiveMode::multishot);
  }
  while (ring->counters().buffers_starved < kPairs) {
    ring->run_once(base::Milliseconds(1), recorder);
  }
  for (std::uint32_t i = 0; i < kPairs; ++i) {
    ring->cancel(tag(Op::receive, i));
  }
  ASSERT_TRUE(run_until(*ring, recorder, [&] { return ring->operations_under_way() == 0; }));
  for (std::uint32_t i = 0; i < kPairs; ++i) {
    EXPECT_EQ(recorder.finals_of(tag(Op::receive, i)), 1U) << i;
  }
  EXPECT_EQ(ring->buffers_free(), 1U);
}

TEST(UringRing, a_parked_operation_that_is_cancelled_ends_exactly_once_and_has_no_effect) {
  auto ring = make_ring({.submission_entries = 2, .completion_entries = 8, .receive_buffers = 2});
  Recorder recorder;
  const Pair pair;
  for (std::uint32_t i = 0; i < 4; ++i) {
    ring->poll(pair.server, POLLIN, tag(Op::poll, i));
  }
  ring->send(pair.server, bytes_of("never"), kSend);
  ring->cancel(kSend);
  ASSERT_TRUE(run_until(*ring, recorder, [&] { return recorder.finals_of(kSend) > 0; }));
  run_idle(*ring, recorder);
  ASSERT_EQ(recorder.of(kSend).size(), 1U);
  EXPECT_EQ(recorder.of(kSend).front().result, -ECANCELED);
  char byte;
  EXPECT_EQ(recv(pair.peer, &byte, 1, MSG_DONTWAIT), -1);
  EXPECT_EQ(ring->operations_under_way(), 4U);
}

TEST(UringRing, short_sends_are_reported_and_can_be_continued) {
  auto ring = make_ring();
  Recorder recorder;
  const Pair pair(2304);
  std::string text(200'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) {
    text[i] = static_cast<char>(i * 7);
  }
  std::size_t sent = 0;
  std::string arrived;
  bool was_short = false;
  recorder.at_each = [&](const Event& event) {
    ASSERT_GT(event.result, 0);
    was_short = was_short || static_cast<std::size_t>(event.result) < text.size() - sent;
    sent += static_cast<std::size_t>(event.result);
    if (sent < text.size()) {
      ring->send(pair.server, bytes_of(std::string_view(text).substr(sent)), kSend);
    }
  };
  ring->send(pair.server, bytes_of(text), kSend);
  ASSERT_TRUE(run_until(*ring, recorder, [&] {
    char block[1500];
    const ssize_t got = recv(pair.peer, block, sizeof block, MSG_DONTWAIT);
    arrived.append(block, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return arrived.size() == text.size();
  }));
  EXPECT_TRUE(arrived == text);
  EXPECT_TRUE(was_short);
}

class UringAccept : public testing::Test {
 protected:
  void SetUp() override {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(ring::bound_port(listener_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(peer_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~UringAccept() override {
    ::close(peer_);
    ::close(listener_);
  }

  std::unique_ptr<UringRing> ring_ = make_ring();
  int listener_ = ring::open_listener("127.0.0.1:0").value();
  int peer_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Recorder recorder_;
};

TEST_F(UringAccept, pauses_when_descriptors_run_out_and_goes_on_by_itself) {
  {
    const FewFiles none(0);
    ring_->accept(listener_, kAccept);  // The kernel looks at the limit when it is armed.
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(350)) {
      ring_->run_once(base::Milliseconds(50), recorder_);
    }
    const std::vector<Event> events = recorder_.of(kAccept);
    ASSERT_GE(events.size(), 2U);
    EXPECT_LE(events.size(), 5U) << "it must not spin";
    for (const Event& event : events) {
      EXPECT_EQ(event.result, -EMFILE);
      EXPECT_TRUE(event.has_more);
    }
  }
  ASSERT_TRUE(
      run_until(*ring_, recorder_, [&] { return recorder_.of(kAccept).back().result >= 0; }));
  ::close(recorder_.of(kAccept).back().result);
}

TEST_F(UringAccept, that_pauses_can_be_cancelled) {
  const FewFiles none(0);
  ring_->accept(listener_, kAccept);
  ASSERT_TRUE(run_until(*ring_, recorder_, [&] { return !recorder_.events.empty(); }));
  ring_->cancel(kAccept);
  ring_->run_once(base::Milliseconds(1), recorder_);
  ASSERT_EQ(recorder_.finals_of(kAccept), 1U);
  EXPECT_EQ(recorder_.events.back().result, -ECANCELED);
  EXPECT_EQ(ring_->operations_under_way(), 0U);
}

TEST_F(UringAccept, gives_close_on_exec_sockets_with_nodelay_inherited) {
  ring_->accept(listener_, kAccept);
  ASSERT_TRUE(run_until(*ring_, recorder_, [&] { return !recorder_.events.empty(); }));
  const int fd = recorder_.events.front().result;
  ASSERT_GE(fd, 0);
  EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  int nodelay = 0;
  socklen_t size = sizeof nodelay;
  ASSERT_EQ(getsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &nodelay, &size), 0);
  EXPECT_NE(nodelay, 0);
  EXPECT_TRUE(ring::peer_address(fd).starts_with("127.0.0.1:"));
  ::close(fd);
}

TEST(UringRing, wakes_from_other_threads_are_never_lost) {
  auto ring = make_ring();
  constexpr int kThreads = 3;
  constexpr std::uint64_t kPosts = 20'000;
  std::atomic<std::uint64_t> posted{0};
  struct Counter final : ring::Sink {
    void completed(const ring::Completion& completion) override {
      EXPECT_EQ(completion.tag.op, Op::wake);
      ++wakes;
      seen = posted->load();
    }
    std::atomic<std::uint64_t>* posted = nullptr;
    std::uint64_t seen = 0;
    std::uint64_t wakes = 0;
  } counter;
  counter.posted = &posted;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (std::uint64_t post = 0; post < kPosts; ++post) {
        posted.fetch_add(1);
        ring->wake();
        if (post % 64 == 0) {
          std::this_thread::yield();
        }
      }
    });
  }
  const auto start = std::chrono::steady_clock::now();
  int long_sleeps = 0;
  while (counter.seen < kThreads * kPosts) {
    const auto before = std::chrono::steady_clock::now();
    ring->run_once(std::chrono::seconds(10), counter);
    // A sleep through its bound of a second is a wake that was lost, or a machine too busy to post.
    long_sleeps += std::chrono::steady_clock::now() - before > std::chrono::milliseconds(900);
    ASSERT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  }
  EXPECT_LE(long_sleeps, 2);
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_LE(ring->counters().wakes_sent, counter.wakes + 1);
}

TEST(UringRing, a_wake_ends_a_sleep) {
  auto ring = make_ring();
  Recorder recorder;
  std::thread waker([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ring->wake();
  });
  const auto start = std::chrono::steady_clock::now();
  while (recorder.events.empty()) {
    ring->run_once(std::chrono::milliseconds(900), recorder);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(800));
  waker.join();
  run_idle(*ring, recorder);
  EXPECT_EQ(recorder.events.size(), 1U);
  EXPECT_EQ(ring->counters().wakes_sent, 1U);
}

TEST(UringRing, wakes_of_a_ring_that_is_awake_cost_no_system_call) {
  auto ring = make_ring();
  Recorder recorder;
  for (int i = 0; i < 100; ++i) {
    ring->wake();
    ring->wake();
    ring->run_once(std::chrono::seconds(1), recorder);
  }
  EXPECT_EQ(recorder.events.size(), 100U);
  EXPECT_EQ(ring->counters().wakes_sent, 0U);
}

TEST(UringRing, a_sleep_is_bounded_whatever_was_asked_for) {
  auto ring = make_ring();
  Recorder recorder;
  const auto start = std::chrono::steady_clock::now();
  ring->run_once(std::chrono::hours(1), recorder);
  const auto slept = std::chrono::steady_clock::now() - start;
  EXPECT_GT(slept, std::chrono::milliseconds(900));
  EXPECT_LT(slept, std::chrono::seconds(3));
}

TEST(UringRing, reads_writes_and_syncs_files) {
  auto ring = make_ring({.receive_buffers = 0});
  Recorder recorder;
  char path[] = "/tmp/rondel-ring-test-XXXXXX";
  const int file = mkstemp(path);
  ASSERT_GE(file, 0);
  unlink(path);
  for (const std::string_view line : {"one\n", "two\n"}) {
    recorder.events.clear();
    ring->write(file, bytes_of(line), tag(Op::write, 1));
    ASSERT_TRUE(run_until(*ring, recorder, [&] { return !recorder.events.empty(); }));
    ASSERT_EQ(recorder.events.front().result, 4);
  }
  recorder.events.clear();
  ring->sync(file, tag(Op::sync, 1));
  ASSERT_TRUE(run_until(*ring, recorder, [&] { return !recorder.events.empty(); }));
  EXPECT_EQ(recorder.events.front().result, 0);
  ASSERT_EQ(lseek(file, 0, SEEK_SET), 0);
  std::array<std::byte, 16> into{};
  recorder.events.clear();
  ring->read(file, into, tag(Op::read, 1));
  ASSERT_TRUE(run_until(*ring, recorder, [&] { return !recorder.events.empty(); }));
  ASSERT_EQ(recorder.events.front().result, 8);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(into.data()), 8), "one\ntwo\n");
  ::close(file);
}

TEST(UringRing, connects_and_is_refused) {
  auto ring = make_ring();
  Recorder recorder;
  const int listener = ring::open_listener("127.0.0.1:0").value();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(ring::bound_port(listener));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (const bool is_listening : {true, false}) {
    if (!is_listening) {
      ::close(listener);
    }
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    recorder.events.clear();
    ring->connect(fd, &address, sizeof address, tag(Op::connect, 1));
    ASSERT_TRUE(run_until(*ring, recorder, [&] { return !recorder.events.empty(); }));
    EXPECT_EQ(recorder.events.front().result, is_listening ? 0 : -ECONNREFUSED);
    ::close(fd);
  }
}

TEST(UringRing, can_be_destroyed_with_everything_under_way) {
  const std::size_t fds_before = open_fds();
  for (int round = 0; round < 20; ++round) {
    const Pair pair(4096);
    const Pair quiet;
    const int listener = ring::open_listener("127.0.0.1:0").value();
    const int extra = dup(0);
    auto text = std::make_unique<std::string>(1 << 20, 'x');
    auto ring = make_ring({.submission_entries = 4, .completion_entries = 8, .receive_buffers = 2});
    Recorder recorder;
    ring->receive(pair.server, kReceive, ReceiveMode::multishot);
    ring->receive(quiet.server, tag(Op::receive, 2), ReceiveMode::one_shot);
    ring->accept(listener, kAccept);
    ring->send(pair.server, bytes_of(*text), kSend);
    for (std::uint32_t i = 0; i < 10; ++i) {
      ring->poll(quiet.peer, POLLIN, tag(Op::poll, i));
    }
    ring->close(extra);
    run_idle(*ring, recorder, round % 3);
    const auto start = std::chrono::steady_clock::now();
    ring.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(1500));
    text.reset();  // Nothing may look at it any more.
    ::close(listener);
  }
  EXPECT_EQ(open_fds(), fds_before);
}

TEST(UringRing, allocates_nothing_once_it_is_warm) {
  auto ring = make_ring();
  const Pair pair;
  struct Echo final : ring::Sink {
    void completed(const ring::Completion& completion) override {
      if (completion.tag.op == Op::receive) {
        part = {buffer.data(), completion.data.size()};
        std::ranges::copy(completion.data, buffer.begin());
        ring->send_vector(fd, {&part, 1}, kSend);
      }
    }
    ring::Ring* ring = nullptr;
    int fd = -1;
    iovec part{};
    std::array<std::byte, 4096> buffer{};
  } echo;
  echo.ring = ring.get();
  echo.fd = pair.server;
  ring->receive(pair.server, kReceive, ReceiveMode::multishot);
  std::size_t before = 0;
  for (int round = 0; round < 2000; ++round) {
    if (round == 100) {
      before = allocations();
    }
    char bytes[8] = "message";
    ASSERT_EQ(::write(pair.peer, bytes, 8), 8);
    while (recv(pair.peer, bytes, 8, MSG_DONTWAIT) != 8) {
      ring->run_once(base::Milliseconds(10), echo);
    }
  }
  EXPECT_EQ(allocations(), before);
}

TEST(UringRing, refuses_options_that_make_no_ring) {
  EXPECT_FALSE(UringRing::create({.receive_buffers = 3}));
  EXPECT_FALSE(UringRing::create({.receive_buffers = 65536}));
  EXPECT_FALSE(UringRing::create({.receive_buffers = 4, .receive_buffer_bytes = 0}));
  EXPECT_FALSE(UringRing::create({.submission_entries = 0}));
}

}  // namespace
}  // namespace rondel::tests
