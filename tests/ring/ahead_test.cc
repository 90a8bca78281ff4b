// A ring with many completions names the owners of those to come, so that their memory is loaded.
#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <vector>

#include "ring/uring_ring.h"
#include "tests/ring/world.h"

namespace rondel::tests {
namespace {

using ring::Op;

/// Notes how many completions had come when an owner was named, and when its own did.
class Watcher final : public ring::Sink {
 public:
  struct Named {
    ring::Tag tag;
    std::size_t at;
  };
  void completed(const ring::Completion& completion) override {
    completed_.push_back(completion.tag);
  }
  void coming(ring::Tag tag) override { named_.push_back({tag, completed_.size()}); }
  void next(ring::Tag tag) override { next_.push_back({tag, completed_.size()}); }

  [[nodiscard]] const std::vector<ring::Tag>& completed() const { return completed_; }
  [[nodiscard]] const std::vector<Named>& named() const { return named_; }
  [[nodiscard]] const std::vector<Named>& named_next() const { return next_; }

 private:
  std::vector<ring::Tag> completed_;
  std::vector<Named> named_;
  std::vector<Named> next_;
};

/// What a turn tells in which so many operations complete.
Watcher turn_with(std::uint32_t count) {
  auto ring = ring::UringRing::create({.receive_buffers = 0}).value();
  const int always_ready = eventfd(1, EFD_CLOEXEC);
  for (std::uint32_t i = 0; i < count; ++i) {
    ring->poll(always_ready, POLLIN, tag(Op::poll, i));
  }
  Watcher watcher;
  ring->run_once(std::chrono::milliseconds(900), watcher);
  ::close(always_ready);
  return watcher;
}

TEST(LookingAhead, names_the_owner_of_a_completion_a_few_before_it_comes) {
  const Watcher watcher = turn_with(200);
  ASSERT_EQ(watcher.completed().size(), 200U);
  EXPECT_GT(watcher.named().size(), 180U);
  for (const auto& [tag, at] : watcher.named()) {
    const auto came = std::find(watcher.completed().begin(), watcher.completed().end(), tag);
    const auto index = static_cast<std::size_t>(came - watcher.completed().begin());
    EXPECT_GT(index, at) << "named when it came, or later";
    EXPECT_LE(index, at + 8) << "named too early to be still there";
  }
}

TEST(LookingAhead, names_the_next_one_right_before_it_comes) {
  const Watcher watcher = turn_with(200);
  EXPECT_GT(watcher.named_next().size(), 180U);
  for (const auto& [tag, at] : watcher.named_next()) {
    ASSERT_LT(at + 1, watcher.completed().size());
    EXPECT_EQ(watcher.completed()[at + 1], tag);
  }
}

TEST(LookingAhead, names_nobody_where_there_are_few) {
  const Watcher watcher = turn_with(3);
  EXPECT_EQ(watcher.completed().size(), 3U);
  EXPECT_TRUE(watcher.named().empty());
  EXPECT_TRUE(watcher.named_next().empty());
}

}  // namespace
}  // namespace rondel::tests
