#include "store/worker_pool.h"

#include <atomic>
#include <gmock/gmock.h>
#include <map>
#include <sched.h>
#include <semaphore>
#include <thread>

#include "store/worker_port.h"
#include "tests/store/test_executor.h"

namespace rondel::store::test {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

const UserKey kJuliet{"juliet", "example.org"};

/// Knows its number and how large its batches were; can be held at a gate.
class NumberedWorker final : public Worker {
 public:
  explicit NumberedWorker(int number, std::binary_semaphore* gate = nullptr)
      : number_(number), gate_(gate) {}
  void process(WorkBatch& batch) override {
    if (gate_) {
      gate_->acquire();
      gate_->release();
    }
    batch_sizes_.push_back(batch.size());
    Worker::process(batch);
  }
  int number() const { return number_; }
  const std::vector<std::size_t>& batch_sizes() const { return batch_sizes_; }

 private:
  int number_;
  std::binary_semaphore* gate_;
  std::vector<std::size_t> batch_sizes_;
};

std::vector<std::unique_ptr<Worker>> workers(int first,
                                             int count,
                                             std::binary_semaphore* gate = nullptr) {
  std::vector<std::unique_ptr<Worker>> all;
  for (int i = 0; i < count; ++i) {
    all.push_back(std::make_unique<NumberedWorker>(first + i, gate));
  }
  return all;
}

int number_of(Worker& worker) {
  return static_cast<NumberedWorker&>(worker).number();
}

base::Task<StoreResult<int>> ask_worker(WorkerPort& port,
                                        Access access,
                                        UserKey user,
                                        int (*question)(Worker&)) {
  auto run = port.run(access, user, "question",
                      [question](Worker& worker) -> StoreResult<int> { return question(worker); });
  co_return co_await run;
}

base::Task<StoreResult<int>> which_worker(WorkerPort& port, Access access, UserKey user) {
  return ask_worker(port, access, std::move(user), &number_of);
}

TEST(WorkerPool, WritesGoToAWriterAndReadsToTheUsersReader) {
  WorkerPool pool(workers(0, 1), workers(10, 3), {});
  pool.start_blocking();
  TestExecutor shard;
  WorkerPort port(pool, shard);
  std::map<int, int> readers;
  for (int i = 0; i < 60; ++i) {
    const UserKey user{"user" + std::to_string(i), "example.org"};
    EXPECT_EQ(shard.get_blocking(which_worker(port, Access::write, user)).value(), 0);
    const int reader = shard.get_blocking(which_worker(port, Access::read, user)).value();
    EXPECT_EQ(shard.get_blocking(which_worker(port, Access::read, user)).value(), reader);
    EXPECT_GE(reader, 10);
    ++readers[reader];
  }
  EXPECT_THAT(readers, SizeIs(3));
  pool.stop_blocking();
}

int policy_of(Worker&) {
  return sched_getscheduler(0);
}

TEST(WorkerPool, AWorkerThatIsWokenLeavesTheCoreToWhoeverHasIt) {
  WorkerPool pool(workers(0, 1), workers(10, 1), {});
  pool.start_blocking();
  TestExecutor shard;
  WorkerPort port(pool, shard);
  EXPECT_EQ(shard.get_blocking(ask_worker(port, Access::read, kJuliet, &policy_of)).value(),
            SCHED_BATCH);
  EXPECT_EQ(shard.get_blocking(ask_worker(port, Access::write, kJuliet, &policy_of)).value(),
            SCHED_BATCH);
}

TEST(WorkerPool, WithoutReadersTheWritersRead) {
  WorkerPool pool(workers(0, 2), {}, {});
  pool.start_blocking();
  TestExecutor shard;
  WorkerPort port(pool, shard);
  const int writer = shard.get_blocking(which_worker(port, Access::write, kJuliet)).value();
  EXPECT_EQ(shard.get_blocking(which_worker(port, Access::read, kJuliet)).value(), writer);
}

TEST(WorkerPool, AReadGoesBehindTheUsersWritesWhileTheyAreUnderWay) {
  std::binary_semaphore gate(0);
  WorkerPool pool(workers(0, 1, &gate), workers(10, 2), {});
  pool.start_blocking();
  TestExecutor shard;
  WorkerPort port(pool, shard);
  std::optional<StoreResult<int>> write;
  std::optional<StoreResult<int>> read;
  TestExecutor::start(which_worker(port, Access::write, kJuliet), write);
  TestExecutor::start(which_worker(port, Access::read, kJuliet), read);
  // Another user's read doesn't wait for the writer, which stands at the gate.
  // (One that isn't counted together with the first: the port counts by hash modulo 1,024.)
  UserKey other("romeo", "example.org");
  while (hash_of(other) % 1024 == hash_of(kJuliet) % 1024) {
    other.local += 'o';
  }
  EXPECT_GE(shard.get_blocking(which_worker(port, Access::read, other)).value(), 10);
  EXPECT_FALSE(write.has_value());
  gate.release();
  shard.run_until_blocking([&] { return write && read; });
  EXPECT_EQ(read->value(), 0);
  EXPECT_GE(shard.get_blocking(which_worker(port, Access::read, kJuliet)).value(), 10);
  pool.stop_blocking();
}

TEST(WorkerPool, AReadOfTheHostGoesBehindAllWritesAndAllReadsGoBehindAWriteOfTheHost) {
  const UserKey host{"", "example.org"};
  const std::pair<UserKey, UserKey> pairs[] = {{kJuliet, host}, {host, kJuliet}, {host, host}};
  for (const auto& [written, read] : pairs) {
    std::binary_semaphore gate(0);
    WorkerPool pool(workers(0, 1, &gate), workers(10, 2), {});
    pool.start_blocking();
    TestExecutor shard;
    WorkerPort port(pool, shard);
    std::optional<StoreResult<int>> write_outcome;
    std::optional<StoreResult<int>> read_outcome;
    TestExecutor::start(which_worker(port, Access::write, written), write_outcome);
    TestExecutor::start(which_worker(port, Access::read, read), read_outcome);
    gate.release();
    shard.run_until_blocking([&] { return write_outcome && read_outcome; });
    EXPECT_EQ(read_outcome->value(), 0);
    pool.stop_blocking();
  }
}

TEST(WorkerPool, WaitingRequestsComeAsBatchesWithABound) {
  std::binary_semaphore gate(0);
  auto writer = std::make_unique<NumberedWorker>(0, &gate);
  NumberedWorker* seen = writer.get();
  std::vector<std::unique_ptr<Worker>> writers;
  writers.push_back(std::move(writer));
  WorkerPool pool(std::move(writers), {}, {.name = "batches", .batch_max = 10});
  pool.start_blocking();
  TestExecutor shard;
  WorkerPort port(pool, shard);
  std::vector<std::optional<StoreResult<int>>> outcomes(35);
  for (auto& outcome : outcomes) {
    TestExecutor::start(which_worker(port, Access::write, kJuliet), outcome);
  }
  EXPECT_EQ(port.under_way(), 35);
  gate.release();
  shard.run_until_blocking([&] { return outcomes.back().has_value(); });
  EXPECT_EQ(port.under_way(), 0);
  // The first batch holds what had arrived when the worker woke: 1 to 10.
  std::size_t sum = 0;
  for (const std::size_t size : seen->batch_sizes()) {
    EXPECT_LE(size, 10);
    sum += size;
  }
  EXPECT_EQ(sum, 35);
  EXPECT_LE(seen->batch_sizes().size(), 5);
  EXPECT_EQ(pool.counters().requests, 35);
  EXPECT_EQ(pool.counters().batches, seen->batch_sizes().size());
  pool.stop_blocking();
}

TEST(WorkerPool, MoreThanTheBoundIsUnavailableAtOnce) {
  std::binary_semaphore gate(0);
  WorkerPool pool(workers(0, 1, &gate), {}, {});
  pool.start_blocking();
  TestExecutor shard;
  WorkerPort port(pool, shard, 3);
  std::vector<std::optional<StoreResult<int>>> outcomes(4);
  for (auto& outcome : outcomes) {
    TestExecutor::start(which_worker(port, Access::write, kJuliet), outcome);
  }
  ASSERT_TRUE(outcomes[3].has_value());
  EXPECT_EQ(outcomes[3]->error().failure, Failure::unavailable);
  EXPECT_FALSE(outcomes[2].has_value());
  gate.release();
  shard.run_until_blocking([&] { return outcomes[2].has_value(); });
  EXPECT_TRUE(outcomes[2]->has_value());
  EXPECT_TRUE(shard.get_blocking(which_worker(port, Access::write, kJuliet)).has_value());
  pool.stop_blocking();
}

TEST(WorkerPool, BeforeStartAndAfterStopEverythingIsUnavailable) {
  WorkerPool pool(workers(0, 1), workers(1, 1), {});
  TestExecutor shard;
  WorkerPort port(pool, shard);
  EXPECT_FALSE(shard.get_blocking(which_worker(port, Access::read, kJuliet)).has_value());
  pool.start_blocking();
  EXPECT_TRUE(shard.get_blocking(which_worker(port, Access::read, kJuliet)).has_value());
  pool.stop_blocking();
  EXPECT_FALSE(shard.get_blocking(which_worker(port, Access::write, kJuliet)).has_value());
  EXPECT_EQ(port.under_way(), 0);
}

TEST(WorkerPool, AnExecutorThatEndsWithUnrunCompletionsLeavesNoDanglingWaiter) {
  WorkerPool pool(workers(0, 1), {}, {});
  pool.start_blocking();
  auto shard = std::make_unique<TestExecutor>();
  WorkerPort port(pool, *shard);
  auto waiting = which_worker(port, Access::write, kJuliet);
  waiting.await_suspend(std::noop_coroutine()).resume();
  pool.stop_blocking();
  shard.reset();
  // Destroying the task now must not touch the request, which went with the executor.
}

TEST(WorkerPool, ManyShardsStopInTheMiddleAndEveryCoroutineEnds) {
  constexpr int kShards = 4;
  for (int round = 0; round < 20; ++round) {
    WorkerPool pool(workers(0, 1), workers(1, 2), {});
    pool.start_blocking();
    std::atomic<bool> is_stopped{false};
    std::atomic<int> unanswered{0};
    std::atomic<int> running{0};
    std::vector<std::thread> threads;
    for (int number = 0; number < kShards; ++number) {
      threads.emplace_back([&, number] {
        TestExecutor shard;
        WorkerPort port(pool, shard);
        std::vector<std::optional<StoreResult<int>>> outcomes(2000);
        std::size_t next = 0;
        ++running;
        while (!is_stopped) {
          if (next < outcomes.size()) {
            const UserKey user{"u" + std::to_string(next % 7), std::to_string(number)};
            const Access access = next % 3 == 0 ? Access::write : Access::read;
            TestExecutor::start(which_worker(port, access, user), outcomes[next]);
            ++next;
          }
          shard.run_ready();
        }
        shard.run_ready();  // The shard's last turn, after the pool was stopped.
        for (std::size_t i = 0; i < next; ++i) {
          unanswered += outcomes[i].has_value() ? 0 : 1;
        }
      });
    }
    while (running < kShards) {
      std::this_thread::yield();
    }
    pool.stop_blocking();
    is_stopped = true;
    for (std::thread& thread : threads) {
      thread.join();
    }
    EXPECT_EQ(unanswered, 0);
  }
}

TEST(WorkerPool, RequestsOfOneUserKeepTheirOrderOnEveryLane) {
  WorkerPool pool(workers(0, 2), {}, {});
  pool.start_blocking();
  TestExecutor shard;
  WorkerPort port(pool, shard);
  std::map<int, std::vector<int>> seen;  // By user; each user's entries only on its worker.
  for (int user = 0; user < 5; ++user) {
    seen[user];
  }
  std::vector<std::optional<StoreResult<int>>> outcomes(500);
  const auto note = [](WorkerPort& to, UserKey key, std::vector<int>& list,
                       int value) -> base::Task<StoreResult<int>> {
    auto run = to.run(Access::write, key, "note", [&list, value](Worker&) -> StoreResult<int> {
      list.push_back(value);
      return value;
    });
    co_return co_await run;
  };
  for (int i = 0; i < 500; ++i) {
    TestExecutor::start(note(port, {"u" + std::to_string(i % 5), "example.org"}, seen[i % 5], i),
                        outcomes[static_cast<std::size_t>(i)]);
  }
  pool.stop_blocking();
  shard.run_ready();
  for (const auto& [user, list] : seen) {
    EXPECT_THAT(list, SizeIs(100));
    EXPECT_TRUE(std::ranges::is_sorted(list)) << user;
  }
}

}  // namespace
}  // namespace rondel::store::test
