#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include "base/mpsc_queue.h"
#include "base/spsc_queue.h"

namespace rondel::base {
namespace {

TEST(SpscQueue, RefusesWhenFullAndLeavesTheValueAlone) {
  SpscQueue<std::unique_ptr<int>> queue(2);
  EXPECT_EQ(queue.capacity(), 2u);
  EXPECT_TRUE(queue.try_push(std::make_unique<int>(1)));
  EXPECT_TRUE(queue.try_push(std::make_unique<int>(2)));
  auto refused = std::make_unique<int>(3);
  EXPECT_FALSE(queue.try_push(std::move(refused)));
  ASSERT_NE(refused, nullptr);  // NOLINT(bugprone-use-after-move): promised.
  EXPECT_EQ(**queue.try_pop(), 1);
  EXPECT_TRUE(queue.try_push(std::move(refused)));
  EXPECT_EQ(**queue.try_pop(), 2);
  EXPECT_EQ(**queue.try_pop(), 3);
  EXPECT_FALSE(queue.try_pop().has_value());
}

TEST(SpscQueue, RoundsItsCapacityUpToAPowerOfTwo) {
  EXPECT_EQ(SpscQueue<int>(0).capacity(), 1u);
  EXPECT_EQ(SpscQueue<int>(5).capacity(), 8u);
}

TEST(SpscQueue, APoppedValueLeavesNothingBehind) {
  SpscQueue<std::shared_ptr<int>> queue(4);
  auto value = std::make_shared<int>(1);
  ASSERT_TRUE(queue.try_push(std::shared_ptr<int>(value)));
  EXPECT_EQ(value.use_count(), 2);
  EXPECT_TRUE(queue.try_pop().has_value());
  EXPECT_EQ(value.use_count(), 1);
}

TEST(SpscQueue, FreesWhatWasNeverTaken) {
  auto value = std::make_shared<int>(1);
  {
    SpscQueue<std::shared_ptr<int>> queue(4);
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(queue.try_push(std::shared_ptr<int>(value)));
    }
    EXPECT_TRUE(queue.try_pop().has_value());
    EXPECT_EQ(value.use_count(), 3);
  }
  EXPECT_EQ(value.use_count(), 1);
}

/// Pages of this process that are in memory.
std::size_t resident_pages() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  file >> all >> resident;
  return resident;
}

TEST(SpscQueue, TakesMemoryAsItIsUsed) {
  using Page = std::array<char, 4096>;
  const std::size_t before = resident_pages();
  SpscQueue<Page> queue(16384);
  EXPECT_TRUE(queue.try_push(Page{}));
  // A sanitizer marks an eighth as much of its own.
  EXPECT_LT(resident_pages() - before, 8192u);
}

TEST(SpscQueue, ShowsWhatTheLastPopHasSeenAndTakesNothing) {
  base::SpscQueue<int> queue(4);
  EXPECT_EQ(queue.peek(0), nullptr);
  for (int round = 0; round < 10; ++round) {  // More than once round the ring.
    for (const int value : {1, 2, 3, 4}) {
      EXPECT_TRUE(queue.try_push(int(value)));
    }
    EXPECT_EQ(queue.try_pop(), 1);
    EXPECT_TRUE(queue.try_push(5));
    for (std::size_t ahead = 0; ahead < 8; ++ahead) {
      queue.prefetch(ahead);  // Of any number, and without effect.
      const int* seen = queue.peek(ahead);
      ASSERT_EQ(seen != nullptr, ahead < 3) << ahead;  // The fifth came after that pop.
      EXPECT_TRUE(seen == nullptr || *seen == static_cast<int>(ahead) + 2);
    }
    for (const int value : {2, 3, 4, 5}) {
      EXPECT_EQ(queue.try_pop(), value);
    }
    EXPECT_EQ(queue.peek(0), nullptr);
  }
}

TEST(SpscQueue, KeepsTheOrderBetweenTwoThreads) {
  SpscQueue<std::string> queue(64);
  constexpr int kCount = 100'000;
  std::thread producer([&] {
    for (int i = 0; i < kCount; ++i) {
      std::string text = std::to_string(i);
      while (!queue.try_push(std::move(text))) {
        std::this_thread::yield();
      }
    }
  });
  for (int i = 0; i < kCount; ++i) {
    std::optional<std::string> text;
    while (!(text = queue.try_pop())) {
      std::this_thread::yield();
    }
    ASSERT_EQ(*text, std::to_string(i));
  }
  producer.join();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0u);
}

struct Number final : MpscNode {
  Number(int p, int n) : producer(p), number(n) {}
  int producer;
  int number;
};

TEST(MpscQueue, GivesTheOldestFirst) {
  MpscQueue queue;
  EXPECT_TRUE(queue.push(std::make_unique<Number>(0, 1)));
  EXPECT_FALSE(queue.push(std::make_unique<Number>(0, 2))) << "it was not empty";
  std::vector<int> numbers;
  const auto collect = [&](std::unique_ptr<MpscNode> node) {
    numbers.push_back(static_cast<Number&>(*node).number);
  };
  EXPECT_EQ(queue.take_all(collect), 2u);
  EXPECT_EQ(numbers, (std::vector{1, 2}));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.take_all(collect), 0u);
}

TEST(MpscQueue, WhatIsPushedWhileTakingComesWithTheNextTake) {
  MpscQueue queue;
  queue.push(std::make_unique<Number>(0, 1));
  const std::size_t taken = queue.take_all(
      [&](std::unique_ptr<MpscNode>) { queue.push(std::make_unique<Number>(0, 2)); });
  EXPECT_EQ(taken, 1u);
  EXPECT_FALSE(queue.empty());
}

TEST(MpscQueue, FreesWhatWasNeverTaken) {
  MpscQueue queue;  // The leak checker is the judge.
  queue.push(std::make_unique<Number>(0, 1));
}

TEST(MpscQueue, KeepsTheOrderOfEachOfManyThreadsAndWakesItsConsumer) {
  MpscQueue queue;
  constexpr int kProducers = 4;
  constexpr int kCount = 20'000;
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&queue, p] {
      for (int i = 0; i < kCount; ++i) {
        if (queue.push(std::make_unique<Number>(p, i))) {
          queue.notify();
        }
      }
    });
  }
  std::vector<int> expected(kProducers, 0);
  int total = 0;
  while (total < kProducers * kCount) {
    queue.wait_blocking();
    queue.take_all([&](std::unique_ptr<MpscNode> node) {
      const auto& number = static_cast<Number&>(*node);
      EXPECT_EQ(number.number, expected[static_cast<std::size_t>(number.producer)]++);
      ++total;
    });
  }
  for (std::thread& producer : producers) {
    producer.join();
  }
  EXPECT_TRUE(queue.empty());
}

TEST(MpscQueue, APushWakesTheConsumerOfItsQueueAndNoOther) {
  constexpr std::size_t kQueues = 32;
  constexpr int kPushes = 200;
  std::array<MpscQueue, kQueues> queues;
  std::array<long, kQueues> sleeps{};
  std::atomic<int> taken{0};
  std::vector<std::thread> consumers;
  for (std::size_t i = 0; i < kQueues; ++i) {
    consumers.emplace_back([&, i] {
      for (bool is_ending = false; !is_ending;) {
        queues[i].wait_blocking();
        queues[i].take_all([&](std::unique_ptr<MpscNode> node) {
          is_ending = static_cast<Number&>(*node).number < 0;
          ++taken;
        });
      }
      rusage usage{};
      getrusage(RUSAGE_THREAD, &usage);
      sleeps[i] = usage.ru_nvcsw;
    });
  }
  const auto push = [&](std::size_t queue, int number) {
    queues[queue].push(std::make_unique<Number>(0, number));
    queues[queue].notify();
  };
  for (int n = 0; n < kPushes; ++n) {
    push(0, n);
    while (taken <= n) {
      std::this_thread::yield();
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));  // It sleeps again.
  }
  for (std::size_t i = 0; i < kQueues; ++i) {
    push(i, -1);
  }
  for (std::thread& consumer : consumers) {
    consumer.join();
  }
  for (std::size_t i = 1; i < kQueues; ++i) {
    EXPECT_LT(sleeps[i], kPushes / 4) << i;
  }
}

}  // namespace
}  // namespace rondel::base
