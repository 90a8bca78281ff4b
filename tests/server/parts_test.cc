// The smaller parts of the server room, each by itself.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "base/mpsc_queue.h"
#include "server/address_counter.h"
#include "server/allowance.h"
#include "server/connection.h"
#include "server/gather.h"
#include "server/notify.h"
#include "server/offload_pool.h"
#include "server/outbox.h"
#include "server/session_counts.h"
#include "tests/server/world.h"

namespace rondel::server {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

// --- AddressCounter

api::PeerAddress ipv4(std::uint8_t last) {
  api::PeerAddress peer;
  peer.bytes[10] = peer.bytes[11] = 0xff;
  peer.bytes[12] = 192;
  peer.bytes[15] = last;
  return peer;
}

api::PeerAddress ipv6(std::uint8_t network, std::uint8_t host) {
  api::PeerAddress peer;
  peer.bytes[0] = 0x20;
  peer.bytes[7] = network;
  peer.bytes[15] = host;
  return peer;
}

TEST(AddressCounter, LetsInAsManyAsItIsTold) {
  AddressCounter counter;
  EXPECT_TRUE(counter.try_enter(ipv4(1), 2));
  EXPECT_TRUE(counter.try_enter(ipv4(1), 2));
  EXPECT_FALSE(counter.try_enter(ipv4(1), 2));
  EXPECT_FALSE(counter.try_enter(ipv4(1), 2)) << "a refusal must not count";
  counter.leave(ipv4(1));
  EXPECT_TRUE(counter.try_enter(ipv4(1), 2));
}

TEST(AddressCounter, CountsAddressesApartAndAnIpv6NetworkAsOne) {
  AddressCounter counter;
  EXPECT_TRUE(counter.try_enter(ipv4(1), 1));
  EXPECT_TRUE(counter.try_enter(ipv4(2), 1));
  EXPECT_TRUE(counter.try_enter(ipv6(1, 1), 1));
  EXPECT_FALSE(counter.try_enter(ipv6(1, 2), 1)) << "the same /64";
  EXPECT_TRUE(counter.try_enter(ipv6(2, 1), 1));
}

// --- Mailboxes

TEST(Allowance, LendsTheBurstAndAsksForRestBeyondIt) {
  const ReceiveRate rate{1000, 5000};
  Allowance allowance;
  EXPECT_EQ(allowance.spend(5000, 1, rate), 0U);
  EXPECT_EQ(allowance.spend(1, 1, rate), 1U);
  EXPECT_EQ(allowance.spend(999, 1, rate), 1000U) << "a rest is until all is made up for";
  EXPECT_EQ(allowance.spend(0, 1001, rate), 0U);
  EXPECT_EQ(allowance.spend(100, 1051, rate), 50U);
}

TEST(Allowance, GivesBackNoMoreThanTheBurst) {
  const ReceiveRate rate{1000, 5000};
  Allowance allowance;
  EXPECT_EQ(allowance.spend(5000, 1'000, rate), 0U);
  EXPECT_EQ(allowance.spend(5000, 1'000'000'000, rate), 0U) << "days later";
  EXPECT_EQ(allowance.spend(1, 1'000'000'000, rate), 1U);
}

TEST(Allowance, LosesNothingToRounding) {
  const ReceiveRate rate{10, 1000};  // A byte in 100 ms.
  Allowance allowance;
  EXPECT_EQ(allowance.spend(1000, 50'000, rate), 0U);
  for (std::uint64_t now = 50'001; now < 60'000; ++now) {
    EXPECT_EQ(allowance.spend(0, now, rate), 0U);
  }
  EXPECT_EQ(allowance.spend(100, 60'000, rate), 0U);
  EXPECT_EQ(allowance.spend(1, 60'000, rate), 100U);
}

TEST(Allowance, OfNoRateHasNoEnd) {
  Allowance allowance;
  EXPECT_EQ(allowance.spend(~std::size_t{0}, 1, {}), 0U);
  EXPECT_EQ(allowance.spend(1, 1, {}), 0U);
}

TEST(Allowance, SurvivesTheEndOfItsClockAndOfItsCounter) {
  const ReceiveRate rate{1000, 5000};
  Allowance allowance;
  constexpr std::uint64_t kRound = std::uint64_t{1} << 32U;
  EXPECT_EQ(allowance.spend(5000, kRound - 100, rate), 0U);
  EXPECT_EQ(allowance.spend(100, kRound, rate), 0U) << "100 ms later";
  EXPECT_GT(allowance.spend(kRound * 2, kRound, rate), 4'000'000U * 1000 / 1000);
}

TEST(SessionCounts, AreWhatAWalkWouldFind) {
  server::SessionCounts counts;
  std::mt19937 random(7);
  const std::vector<std::string> names{"", "compact", "kernel", "retained"};
  struct Session {
    server::SessionCounts::Place place = server::SessionCounts::kNowhere;
    std::string engine;
  };
  std::vector<Session> sessions(50);
  for (int step = 0; step < 2000; ++step) {
    Session& session = sessions[random() % sessions.size()];
    if (random() % 3 == 0) {
      counts.leave(std::exchange(session.place, server::SessionCounts::kNowhere));
    } else {
      session.engine = names[random() % names.size()];
      session.place = counts.move(session.place, session.engine);
    }
    std::map<std::string, std::uint64_t> walked;
    std::uint64_t total = 0;
    for (const Session& each : sessions) {
      if (each.place != server::SessionCounts::kNowhere) {
        ++walked[each.engine];
        ++total;
      }
    }
    ASSERT_EQ(counts.total(), total);
    for (const auto& engine : counts.engines()) {
      ASSERT_EQ(engine.sessions, walked[engine.name]) << engine.name;
    }
  }
}

TEST(SessionCounts, LoseNobodyWhenThereAreTooManyNames) {
  server::SessionCounts counts;
  std::vector<server::SessionCounts::Place> places;
  for (std::size_t i = 0; i < 2 * server::SessionCounts::kEnginesMax; ++i) {
    places.push_back(counts.move(server::SessionCounts::kNowhere, fmt::format("engine {}", i)));
  }
  EXPECT_EQ(counts.engines().size(), server::SessionCounts::kEnginesMax);
  EXPECT_EQ(counts.total(), places.size());
  EXPECT_EQ(counts.engines().back().sessions, server::SessionCounts::kEnginesMax + 1);
  for (const auto place : places) {
    counts.leave(place);
  }
  EXPECT_EQ(counts.total(), 0U);
}

// --- OutboxPool

std::unique_ptr<Outbox> used_outbox(std::size_t bytes) {
  auto outbox = std::make_unique<Outbox>();
  outbox->output.append(std::string(bytes, 'x'));
  return outbox;
}

TEST(OutboxPool, KeepsTheMemoryOfAsManyConnectionsAsABusyTurnHas) {
  OutboxPool pool;
  for (int i = 0; i < 600; ++i) {
    pool.give_back(used_outbox(2048));
  }
  EXPECT_EQ(pool.spares(), 600U);
  const std::unique_ptr<Outbox> again = pool.take();
  EXPECT_TRUE(again->empty());
  EXPECT_GE(again->output.capacity(), 2048U);
}

TEST(OutboxPool, KeepsNoMoreMemoryThanItsBound) {
  OutboxPool pool;
  const std::size_t fit = OutboxPool::kBytesMax / OutboxPool::kSpareBytesMax;
  for (std::size_t i = 0; i < 2 * fit; ++i) {
    pool.give_back(used_outbox(OutboxPool::kSpareBytesMax));
  }
  EXPECT_LT(pool.spares(), fit);
  const std::size_t full = pool.spares();
  EXPECT_NE(pool.take(), nullptr);
  pool.give_back(used_outbox(OutboxPool::kSpareBytesMax));
  EXPECT_EQ(pool.spares(), full) << "what was taken is room again";
}

TEST(OutboxPool, KeepsNoLargeBuffer) {
  OutboxPool pool;
  pool.give_back(used_outbox(OutboxPool::kSpareBytesMax + 1));
  EXPECT_EQ(pool.take()->output.capacity(), 0U);
}

TEST(OutboxPool, WritesToTheBufferThatWasSentLast) {
  OutboxPool pool;
  auto outbox = used_outbox(100);
  const std::byte* memory = outbox->output.bytes().data();
  for (int i = 0; i < 5; ++i) {
    std::swap(outbox->output, outbox->wire);
    std::swap(outbox->wire, outbox->sending);
    pool.give_back(std::move(outbox));
    outbox = pool.take();
    outbox->output.append("x");
    EXPECT_EQ(outbox->output.bytes().data(), memory);
  }
}

// --- OffloadPool

/// The shard of a test: runs what came back when it is asked.
class TestExecutor final : public base::Executor {
 public:
  void post_completion(std::unique_ptr<base::Completion> completion) override {
    if (queue_.push(std::move(completion))) {
      queue_.notify();
    }
  }
  void run_until_blocking(const std::function<bool()>& is_done) {
    while (!is_done()) {
      queue_.wait_blocking();
      queue_.take_all([](std::unique_ptr<base::MpscNode> node) {
        static_cast<base::Completion&>(*node).run();
      });
    }
  }

 private:
  base::MpscQueue queue_;
};

TEST(OffloadPool, WorksElsewhereAndComesBack) {
  TestExecutor executor;
  OffloadPool pool(2);
  std::thread::id worker;
  bool is_back = false;
  ASSERT_TRUE(pool.try_run(
      executor, [&] { worker = std::this_thread::get_id(); }, [&] { is_back = true; }));
  executor.run_until_blocking([&] { return is_back; });
  EXPECT_NE(worker, std::thread::id());
  EXPECT_NE(worker, std::this_thread::get_id());
}

TEST(OffloadPool, RefusesWhatIsTooMuchAndTakesMoreOnceThereIsRoom) {
  TestExecutor executor;
  OffloadPool pool(1);
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  int back = 0;
  int taken = 0;
  while (pool.try_run(
      executor, [opened] { opened.wait(); }, [&] { ++back; })) {
    ++taken;
    ASSERT_LE(taken, OffloadPool::kUnderWayMax);
  }
  EXPECT_EQ(taken, OffloadPool::kUnderWayMax);
  EXPECT_EQ(back, 0);
  gate.set_value();
  executor.run_until_blocking([&] { return back == taken; });
  EXPECT_TRUE(pool.try_run(
      executor, [] {}, [&] { ++back; }));
  executor.run_until_blocking([&] { return back == taken + 1; });
}

TEST(OffloadPool, CarriesOutWhatItTookBeforeItStops) {
  TestExecutor executor;
  std::atomic<int> done{0};
  OffloadPool pool(2);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(pool.try_run(
        executor, [&] { ++done; }, [] {}));
  }
  pool.stop_blocking();
  EXPECT_EQ(done, 100);
  EXPECT_FALSE(pool.try_run(
      executor, [] {}, [] {}));
}

// --- Gather

base::Task<> ask(api::Shard& here, std::vector<int>& answers, bool& is_done) {
  Gather<int> gather(here, [](api::Shard& shard) { return 10 * shard.index(); });
  answers = co_await gather;
  is_done = true;
}

TEST(Gather, HasTheAnswerOfEveryShard) {
  for (const std::uint16_t shards : {std::uint16_t{1}, std::uint16_t{3}}) {
    tests::World world({.shards = shards});
    std::vector<int> answers;
    bool is_done = false;
    ask(world.shard(0), answers, is_done).start();
    EXPECT_EQ(is_done, shards == 1);
    ASSERT_TRUE(world.run_until([&] { return is_done; }));
    if (shards == 1) {
      EXPECT_THAT(answers, ElementsAre(0));
    } else {
      EXPECT_THAT(answers, UnorderedElementsAre(0, 10, 20));
    }
  }
}

TEST(Gather, LeavesOutAShardWhoseMailboxIsFull) {
  tests::World world({.shards = 3});
  while (world.shard(0).try_post(2, [](api::Shard&) {})) {
  }
  std::vector<int> answers;
  bool is_done = false;
  ask(world.shard(0), answers, is_done).start();
  ASSERT_TRUE(world.run_until([&] { return is_done; }));
  EXPECT_THAT(answers, UnorderedElementsAre(0, 10));
}

// --- sd_notify

class Notify : public testing::Test {
 protected:
  Notify() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "rondel-notify-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~Notify() override {
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    if (fd_ >= 0) {
      close(fd_);
    }
    std::filesystem::remove_all(folder_);
  }
  /// Listens as systemd does; `name` begins with '@' for an abstract one.
  void listen(const std::string& name) {
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (name.front() == '@') {
      address.sun_path[0] = '\0';
    }
    const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), bytes), 0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  std::string received() {
    std::array<char, 256> buffer{};
    const ssize_t bytes = recv(fd_, buffer.data(), buffer.size(), 0);
    return bytes < 0 ? "(nothing)" : std::string(buffer.data(), static_cast<std::size_t>(bytes));
  }

  std::filesystem::path folder_;
  int fd_ = -1;
};

TEST_F(Notify, TellsTheServiceManager) {
  listen(folder_ / "socket");
  notify_service_manager("READY=1\nSTATUS=fine");
  EXPECT_EQ(received(), "READY=1\nSTATUS=fine");
}

TEST_F(Notify, KnowsAbstractSockets) {
  listen(fmt::format("@rondel-notify-test-{}", getpid()));
  notify_service_manager("STOPPING=1");
  EXPECT_EQ(received(), "STOPPING=1");
}

TEST_F(Notify, SaysNothingWhereNobodyListens) {
  listen(folder_ / "socket");
  for (const std::string& path :
       {std::string("relative"), (folder_ / "nobody").string(), "/" + std::string(200, 'x')}) {
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
    notify_service_manager("READY=1");
  }
  unsetenv("NOTIFY_SOCKET");
  notify_service_manager("READY=1");
  EXPECT_EQ(received(), "(nothing)");
}

TEST_F(Notify, HalvesTheWatchdogsTime) {
  EXPECT_EQ(watchdog_interval(), std::nullopt);
  setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(watchdog_interval(), base::Milliseconds(15'000));
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  EXPECT_EQ(watchdog_interval(), base::Milliseconds(15'000));
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(watchdog_interval(), std::nullopt) << "meant for another process";
  unsetenv("WATCHDOG_PID");
  for (const char* wrong : {"0", "soon", ""}) {
    setenv("WATCHDOG_USEC", wrong, 1);
    EXPECT_EQ(watchdog_interval(), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace rondel::server
