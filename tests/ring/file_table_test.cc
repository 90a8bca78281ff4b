// Sockets in a ring's own table: which ones go there, and that they leave it.
#include "ring/file_table.h"

#include <array>
#include <cstdlib>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "ring/features.h"
#include "ring/uring_ring.h"
#include "tests/ring/few_files.h"
#include "tests/ring/world.h"

namespace rondel::tests {
namespace {

using ring::FileTable;
using ring::Op;
using ring::ReceiveMode;
using ring::UringOptions;
using ring::UringRing;

/// The far end, closed at the end; the near one is the ring's.
struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    near_end = ends[0];
    far_end = ends[1];
  }
  ~Pair() {
    if (far_end >= 0) {
      ::close(far_end);
    }
  }
  Pair(Pair&& other) noexcept
      : near_end(other.near_end), far_end(std::exchange(other.far_end, -1)) {}
  Pair& operator=(Pair&&) = delete;

  [[nodiscard]] bool has_ended() const {
    char byte = 0;
    return recv(far_end, &byte, 1, MSG_DONTWAIT) == 0;
  }

  int near_end = -1;
  int far_end = -1;
};

class FilesOfARing : public testing::Test {
 protected:
  void SetUp() override {
    if (!ring::probe_features().value().has_prompt_file_table) {
      constexpr const char* kWhy =
          "this kernel closes sockets of a ring's table late; Rondel keeps none there";
      if (std::getenv("CI") != nullptr) {
        FAIL() << kWhy << ", and CI must not skip";
      }
      GTEST_SKIP() << kWhy;
    }
  }
  void make(const UringOptions& options) { ring_ = UringRing::create(options).value(); }
  bool has_ended(const Pair& pair) {
    return run_until(*ring_, recorder_, [&] { return pair.has_ended(); });
  }

  std::unique_ptr<UringRing> ring_;
  Recorder recorder_;
};

TEST_F(FilesOfARing, low_descriptors_stay_what_they_are) {
  Pair pair;
  make({.receive_buffers = 4, .kept_max = 8, .keep_from = pair.near_end + 1});
  EXPECT_EQ(ring_->keep(pair.near_end), pair.near_end);
  EXPECT_EQ(ring_->kept(), 0U);
  ring_->close(pair.near_end);
  EXPECT_TRUE(has_ended(pair));
}

TEST_F(FilesOfARing, a_full_table_leaves_the_rest_as_they_are) {
  make({.receive_buffers = 4, .kept_max = 2});
  std::vector<Pair> pairs(4);
  std::vector<int> sockets;
  for (const Pair& pair : pairs) {
    sockets.push_back(ring_->keep(pair.near_end));
  }
  EXPECT_TRUE(FileTable::is_kept(sockets[0]));
  EXPECT_TRUE(FileTable::is_kept(sockets[1]));
  EXPECT_EQ(sockets[2], pairs[2].near_end);
  EXPECT_EQ(sockets[3], pairs[3].near_end);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    ring_->close(sockets[i]);
    EXPECT_TRUE(has_ended(pairs[i])) << i;
  }
}

TEST_F(FilesOfARing, a_table_that_the_kernel_refuses_is_done_without) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  make({.receive_buffers = 4, .kept_max = static_cast<unsigned>(limit.rlim_cur) + 1});
  const Pair pair;
  EXPECT_EQ(ring_->keep(pair.near_end), pair.near_end);
  ring_->close(pair.near_end);
  EXPECT_TRUE(has_ended(pair));
}

TEST_F(FilesOfARing, what_is_no_socket_is_left_alone) {
  make({.receive_buffers = 4, .kept_max = 8});
  EXPECT_EQ(ring_->keep(-1), -1);
  EXPECT_EQ(ring_->kept(), 0U);
}

TEST_F(FilesOfARing, places_serve_again_and_again) {
  make({.receive_buffers = 4, .kept_max = 2});
  for (int i = 0; i < 300; ++i) {
    const Pair pair;
    const int socket = ring_->keep(pair.near_end);
    ASSERT_TRUE(FileTable::is_kept(socket)) << i;
    ring_->close(socket);
    ASSERT_TRUE(has_ended(pair)) << i;
    run_idle(*ring_, recorder_, 1);
  }
  EXPECT_EQ(ring_->kept(), 0U);
}

TEST_F(FilesOfARing, one_is_closed_while_an_older_operation_of_another_goes_on) {
  make({.receive_buffers = 4, .kept_max = 2});
  const Pair idle, leaving;
  const int still = ring_->keep(idle.near_end);
  ring_->receive(still, tag(Op::receive, 1), ReceiveMode::multishot);
  run_idle(*ring_, recorder_);
  ring_->close(ring_->keep(leaving.near_end));
  EXPECT_TRUE(has_ended(leaving));
  EXPECT_EQ(recorder_.finals_of(tag(Op::receive, 1)), 0U);
}

TEST_F(FilesOfARing, end_with_the_ring) {
  make({.receive_buffers = 4, .kept_max = 2});
  const Pair pair;
  const int socket = ring_->keep(pair.near_end);
  ring_->receive(socket, tag(Op::receive, 1), ReceiveMode::multishot);
  ring_->shut_down(socket, SHUT_WR);
  run_idle(*ring_, recorder_);
  ring_.reset();
  char byte = 0;
  EXPECT_EQ(recv(pair.far_end, &byte, 1, 0), 0);
}

TEST_F(FilesOfARing, are_no_open_files_of_the_process) {
  make({.receive_buffers = 4, .kept_max = 16});
  const FewFiles limit(20);
  std::vector<Pair> pairs;
  std::vector<int> kept;
  // Both ends of these would be 30 descriptors; the near ends are none.
  for (int i = 0; i < 15; ++i) {
    pairs.emplace_back();
    kept.push_back(ring_->keep(pairs.back().near_end));
    ASSERT_TRUE(FileTable::is_kept(kept.back())) << i;
  }
  ring_->send(kept.back(), bytes_of("x"), tag(Op::send, 1));
  ASSERT_TRUE(
      run_until(*ring_, recorder_, [&] { return recorder_.finals_of(tag(Op::send, 1)) > 0; }));
  char byte = 0;
  EXPECT_EQ(recv(pairs.back().far_end, &byte, 1, MSG_DONTWAIT), 1);
}

}  // namespace
}  // namespace rondel::tests
