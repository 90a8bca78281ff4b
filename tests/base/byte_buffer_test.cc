#include "base/byte_buffer.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <string>

namespace rondel::base {
namespace {

TEST(ByteBuffer, HoldsNoMemoryWhileNew) {
  const ByteBuffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.capacity(), 0u);
  EXPECT_EQ(buffer.text(), "");
}

TEST(ByteBuffer, AppendsAtTheEndAndConsumesAtTheFront) {
  ByteBuffer buffer;
  buffer.append("hello ");
  buffer.append('w');
  buffer.append("");
  buffer.append("orld");
  buffer.consume(6);
  EXPECT_EQ(buffer.text(), "world");
  EXPECT_EQ(buffer.size(), 5u);
}

TEST(ByteBuffer, UsesTheWholeMemoryAgainOnceEverythingIsConsumed) {
  ByteBuffer buffer;
  buffer.append(std::string(500, 'x'));
  const std::size_t capacity = buffer.capacity();
  for (int i = 0; i < 100; ++i) {
    buffer.consume(buffer.size());
    buffer.append(std::string(500, 'y'));
  }
  EXPECT_EQ(buffer.capacity(), capacity);
}

TEST(ByteBuffer, DoesNotGrowWhileASlidingWindowFits) {
  ByteBuffer buffer;
  buffer.append(std::string(100, 'a'));
  const std::size_t capacity = buffer.capacity();
  for (int i = 0; i < 1000; ++i) {
    buffer.append("0123456789");
    buffer.consume(10);
  }
  EXPECT_EQ(buffer.size(), 100u);
  EXPECT_EQ(buffer.capacity(), capacity);
}

TEST(ByteBuffer, TakesWhatWasWrittenIntoPreparedRoom) {
  ByteBuffer buffer;
  const auto room = buffer.prepare(1000);
  ASSERT_GE(room.size(), 1000u);
  std::memcpy(room.data(), "abc", 3);
  buffer.commit(3);
  EXPECT_EQ(buffer.text(), "abc");
}

TEST(ByteBuffer, TruncatesBehindAndClears) {
  ByteBuffer buffer;
  buffer.append("abcdef");
  buffer.consume(1);
  buffer.truncate(2);
  EXPECT_EQ(buffer.text(), "bc");
  buffer.truncate(0);
  EXPECT_TRUE(buffer.empty());
  buffer.append("x");
  EXPECT_EQ(buffer.text(), "x");
  buffer.clear();
  EXPECT_TRUE(buffer.empty());
  EXPECT_GT(buffer.capacity(), 0u);
}

TEST(ByteBuffer, ReleaseGivesTheMemoryBack) {
  ByteBuffer buffer;
  buffer.append("abc");
  buffer.release();
  EXPECT_EQ(buffer.capacity(), 0u);
  buffer.append("d");
  EXPECT_EQ(buffer.text(), "d");
}

TEST(ByteBuffer, MovesItsBytesAndLeavesAnEmptyOne) {
  ByteBuffer a;
  a.append("abc");
  ByteBuffer b(std::move(a));
  EXPECT_EQ(b.text(), "abc");
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): the state after a move is promised.
  a.append("new");
  b = std::move(a);
  EXPECT_EQ(b.text(), "new");
  EXPECT_EQ(a.capacity(), 0u);  // NOLINT(bugprone-use-after-move)
}

TEST(ByteBuffer, BehavesLikeAStringUnderRandomOperations) {
  std::mt19937 random(1);
  ByteBuffer buffer;
  std::string model;
  for (int i = 0; i < 20'000; ++i) {
    const std::string piece(random() % 300, static_cast<char>('a' + random() % 26));
    switch (random() % 4) {
      case 0:
      case 1:
        buffer.append(piece);
        model += piece;
        break;
      case 2: {
        const std::size_t count = model.empty() ? 0 : random() % (model.size() + 1);
        buffer.consume(count);
        model.erase(0, count);
        break;
      }
      default:
        if (random() % 50 == 0) {
          buffer.release();
          model.clear();
        }
    }
    ASSERT_EQ(buffer.text(), model);
  }
}

#ifdef RONDEL_ASSERTIONS
TEST(ByteBuffer, AssertsThatNoMoreIsConsumedThanThereIs) {
  ByteBuffer buffer;
  buffer.append("abc");
  EXPECT_DEATH(buffer.consume(4), "invariant broken");
  EXPECT_DEATH(buffer.truncate(4), "invariant broken");
}
#endif

}  // namespace
}  // namespace rondel::base
