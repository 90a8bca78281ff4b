// hash, random, unique_function, shared_bytes, clock, check, handle: a few sentences each.
#include <array>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/handle.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/shared_bytes.h"
#include "base/unique_function.h"

namespace rondel::base {
namespace {

TEST(Hash, IsTheSameForTheSameTextInEveryThread) {
  const std::string text = "romeo@montague.example";
  std::uint64_t other = 0;
  std::thread([&] { other = hash_text(std::string(text)); }).join();
  EXPECT_EQ(hash_text(text), other);
}

TEST(Hash, TellsTextsOfEveryLengthApart) {
  std::set<std::uint64_t> seen;
  for (std::size_t size = 0; size < 40; ++size) {
    seen.insert(hash_text(std::string(size, '\0')));
    for (std::size_t flipped = 0; flipped < size; ++flipped) {
      std::string text(size, '\0');
      text[flipped] = 1;
      seen.insert(hash_text(text));
    }
  }
  EXPECT_EQ(seen.size(), 40u + 40 * 39 / 2);
}

TEST(Hash, TakesAnEmptyViewWithoutMemory) {
  EXPECT_EQ(hash_text(std::string_view()), hash_text(""));
}

TEST(Hash, SpreadsNeighboursOverShards) {
  std::array<int, 8> shards{};
  for (int i = 0; i < 8000; ++i) {
    ++shards[hash_text("user" + std::to_string(i) + "@example.org") % 8];
  }
  for (const int users : shards) {
    EXPECT_NEAR(users, 1000, 200);  // Some seven standard deviations: never by chance.
  }
}

TEST(TextHash, LetsAMapBeAskedWithoutMakingAString) {
  std::unordered_map<std::string, int, TextHash, std::equal_to<>> map{{"a", 1}};
  EXPECT_NE(map.find(std::string_view("a")), map.end());
}

TEST(Random, FillsEveryByteAndNeverTwiceTheSame) {
  std::array<std::byte, 64> seen{};
  for (int i = 0; i < 64; ++i) {
    std::array<std::byte, 64> bytes{};
    random_bytes(bytes);
    for (std::size_t k = 0; k < bytes.size(); ++k) {
      seen[k] |= bytes[k];
    }
  }
  for (const std::byte byte : seen) {
    EXPECT_NE(byte, std::byte{0});
  }
  EXPECT_NE(random_u64(), random_u64());
  random_bytes({});
}

TEST(Random, IdentifiersNeverRepeatOverManyRefillsAndThreads) {
  std::vector<std::string> tokens;
  std::mutex mutex;
  const auto draw = [&] {
    for (int i = 0; i < 2000; ++i) {
      std::string token = random_token(static_cast<std::size_t>(12 + i % 7));
      const std::lock_guard lock(mutex);
      tokens.push_back(std::move(token));
    }
  };
  std::thread other(draw);
  draw();
  other.join();
  EXPECT_EQ(std::set<std::string>(tokens.begin(), tokens.end()).size(), tokens.size());
}

TEST(Random, TokensAreUnpaddedAndSafeInNames) {
  const std::string token = random_token();
  EXPECT_EQ(token.size(), 20u);
  EXPECT_EQ(
      token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
      std::string::npos);
  EXPECT_NE(token, random_token());
  EXPECT_EQ(random_token(0), "");
}

TEST(UniqueFunction, OwnsWhatCannotBeCopied) {
  auto number = std::make_unique<int>(20);
  UniqueFunction<int(int)> add = [n = std::move(number)](int more) { return *n + more; };
  EXPECT_EQ(add(3), 23);
  UniqueFunction<int(int)> moved = std::move(add);
  EXPECT_FALSE(add);  // NOLINT(bugprone-use-after-move): promised.
  EXPECT_EQ(moved(4), 24);
}

TEST(UniqueFunction, IsEmptyUntilItIsGivenSomething) {
  UniqueFunction<void()> nothing;
  EXPECT_FALSE(nothing);
  UniqueFunction<void()> null = nullptr;
  EXPECT_FALSE(null);
}

TEST(UniqueFunction, ForwardsArgumentsAndDropsResultsThatNobodyWants) {
  std::unique_ptr<int> taken;
  UniqueFunction<void(std::unique_ptr<int>)> take = [&](std::unique_ptr<int> value) {
    taken = std::move(value);
    return 1;
  };
  take(std::make_unique<int>(5));
  EXPECT_EQ(*taken, 5);
}

TEST(UniqueFunction, CallsMembers) {
  UniqueFunction<std::size_t(const std::string&)> size = &std::string::size;
  EXPECT_EQ(size("four"), 4u);
}

TEST(SharedBytes, SharesOneCopy) {
  std::string text = "<message/>";
  const SharedBytes bytes = SharedBytes::copy_of(text);
  text.assign("overwritten");
  const SharedBytes other = bytes;
  EXPECT_EQ(other.text(), "<message/>");
  EXPECT_EQ(other.text().data(), bytes.text().data());
}

TEST(SharedBytes, IsEmptyWithoutBytes) {
  EXPECT_TRUE(SharedBytes().empty());
  EXPECT_EQ(SharedBytes().text(), "");
  EXPECT_TRUE(SharedBytes::copy_of("").empty());
}

TEST(SharedBytes, MovesAndAssignsAlsoToItself) {
  SharedBytes a = SharedBytes::copy_of("a");
  SharedBytes b = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): promised.
  SharedBytes& same = b;
  b = same;
  EXPECT_EQ(b.text(), "a");
  b = SharedBytes::copy_of("b");
  EXPECT_EQ(b.text(), "b");
}

TEST(SharedBytes, IsCountedRightWhenThreadsShareIt) {
  const SharedBytes bytes = SharedBytes::copy_of(std::string(1000, 'x'));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([copy = bytes] {
      for (int i = 0; i < 10'000; ++i) {
        const SharedBytes mine = copy;
        ASSERT_EQ(mine.size(), 1000u);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(bytes.text(), std::string(1000, 'x'));
}

TEST(Clock, MonotonicTimeNeverGoesBack) {
  const std::uint64_t before = monotonic_ms();
  std::this_thread::sleep_for(Milliseconds(5));
  const std::uint64_t after = monotonic_ms();
  EXPECT_GE(after - before, 4u);
  EXPECT_GT(wall_clock_now().time_since_epoch(), std::chrono::years(50));
}

TEST(Check, SaysWhereAndWhat) {
  EXPECT_DEATH(RONDEL_CHECK(1 + 1 == 3),
               "small_parts_test.cc:[0-9]+: invariant broken: 1 \\+ 1 == 3");
  RONDEL_CHECK(true);
}

TEST(SlotHandle, ANewOneNamesNothing) {
  EXPECT_FALSE(SlotHandle{}.is_set());
  EXPECT_TRUE((SlotHandle{0, 0}.is_set()));
  EXPECT_FALSE(ConnectionId{}.is_set());
  EXPECT_NE((SlotHandle{1, 1}), (SlotHandle{1, 2}));
}

}  // namespace
}  // namespace rondel::base
