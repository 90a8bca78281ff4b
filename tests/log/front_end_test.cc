// Channel, Hub, Lane, RateLimit: lines on their way, without a writer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "log/hub.h"
#include "log/lane.h"
#include "log/log.h"
#include "log/rate_limit.h"
#include "tests/log/log_support.h"

namespace rondel::log {
namespace {

using test::StoredLine;
using test::StoringSink;
using testing::ElementsAre;

TEST(Channel, PutsEverythingIntoTheLine) {
  Hub hub;
  const Channel log(hub, {.interface = "clients", .level = Level::debug});
  const Fields fields{.jid = "romeo@montague.example/orchard",
                      .connection = {3, {7, 9}},
                      .remote_address = "192.0.2.1:5000"};
  RONDEL_LOG_INFO_WITH(log, fields, "c2s.bound", "resource={} tries={}", "orchard", 2);
  StoringSink sink;
  EXPECT_TRUE(hub.drain(sink));
  ASSERT_EQ(sink.lines.size(), 1u);
  const StoredLine& line = sink.lines[0];
  EXPECT_EQ(line.level, Level::info);
  EXPECT_EQ(line.interface, "clients");
  EXPECT_EQ(line.event, "c2s.bound");
  EXPECT_EQ(line.jid, fields.jid);
  EXPECT_EQ(line.connection, fields.connection);
  EXPECT_EQ(line.remote_address, fields.remote_address);
  EXPECT_EQ(line.text, "resource=orchard tries=2");
  EXPECT_FALSE(line.is_cut);
  const std::chrono::duration<double, std::nano> now = base::wall_clock_now().time_since_epoch();
  EXPECT_NEAR(static_cast<double>(line.time_ns), now.count(), 5e9);
}

TEST(Channel, MakesOnlyTheLinesOfItsLevelAndEvaluatesNoOthersArguments) {
  Hub hub;
  Channel log(hub, {.level = Level::info});
  int evaluated = 0;
  const auto argument = [&] { return ++evaluated; };
  RONDEL_LOG_ERROR(log, "e", "{}", argument());
  RONDEL_LOG_INFO(log, "i", "{}", argument());
  RONDEL_LOG_DEBUG(log, "d", "{}", argument());
  EXPECT_EQ(evaluated, 2);
  log.set_level(Level::debug);
  RONDEL_LOG_DEBUG(log, "d", "{}", argument());
  log.set_level(Level::error);
  RONDEL_LOG_INFO(log, "i", "{}", argument());
  RONDEL_LOG(log, Level::error, Fields{}, "e", "{}", argument());
  StoringSink sink;
  hub.drain(sink);
  EXPECT_THAT(sink.texts(), ElementsAre("1", "4", "2", "3"));
}

TEST(Channel, LinesOutliveTheChannelThatWroteThem) {
  Hub hub;
  {
    const Channel log(hub, {.interface = "gone", .level = Level::info});
    RONDEL_LOG_INFO(log, "i", "text");
  }
  StoringSink sink;
  hub.drain(sink);
  EXPECT_EQ(sink.lines.at(0).interface, "gone");
}

TEST(Channel, CutsLongTextsAtAWholeCharacterAndSaysSo) {
  Hub hub;
  const Channel log(hub, {});
  const std::string exact(kTextBytesMax, 'x');
  RONDEL_LOG_INFO(log, "i", "{}", exact);
  RONDEL_LOG_INFO(log, "i", "{}", exact + "y");
  RONDEL_LOG_INFO(log, "i", "{}\u20ac", std::string(kTextBytesMax - 1, 'x'));
  RONDEL_LOG_INFO_WITH(log, Fields{.jid = std::string(9000, 'j')}, "i", "{}",
                       std::string(100'000, 'z'));
  StoringSink sink;
  hub.drain(sink);
  ASSERT_EQ(sink.lines.size(), 4u);
  EXPECT_FALSE(sink.lines[0].is_cut);
  EXPECT_EQ(sink.lines[0].text, exact);
  EXPECT_TRUE(sink.lines[1].is_cut);
  EXPECT_EQ(sink.lines[1].text, exact);
  EXPECT_TRUE(sink.lines[2].is_cut);
  EXPECT_EQ(sink.lines[2].text, std::string(kTextBytesMax - 1, 'x'));
  EXPECT_TRUE(sink.lines[3].is_cut);
  EXPECT_EQ(sink.lines[3].jid, std::string(kJidBytesMax, 'j'));
}

TEST(Hub, GivesErrorsFirstThenInfoThenDebugThenVerbatimLines) {
  Hub hub;
  const Channel log(hub, {.level = Level::debug});
  const FileChannel file(hub, "/unused", 1);
  file.write_line("verbatim");
  RONDEL_LOG_DEBUG(log, "d", "debug");
  RONDEL_LOG_INFO(log, "i", "info");
  std::thread([&] {
    RONDEL_LOG_DEBUG(log, "d", "debug of another thread");
    RONDEL_LOG_ERROR(log, "e", "error of another thread");
  }).join();
  RONDEL_LOG_ERROR(log, "e", "error");
  StoringSink sink;
  hub.drain(sink);
  EXPECT_THAT(sink.texts(), ElementsAre("error", "error of another thread", "info", "debug",
                                        "debug of another thread", "verbatim"));
  EXPECT_TRUE(hub.empty());
}

TEST(Hub, ALineThatTheSinkRefusesStaysAndNothingPassesIt) {
  Hub hub;
  const Channel log(hub, {});
  for (int i = 0; i < 10; ++i) {
    RONDEL_LOG_INFO(log, "i", "{}", i);
  }
  StoringSink sink;
  sink.room = 4;
  EXPECT_FALSE(hub.drain(sink));
  EXPECT_EQ(sink.lines.size(), 4u);
  EXPECT_FALSE(hub.empty());
  RONDEL_LOG_ERROR(log, "e", "urgent");
  sink.room = 100;
  EXPECT_TRUE(hub.drain(sink));
  EXPECT_THAT(sink.texts(),
              ElementsAre("0", "1", "2", "3", "urgent", "4", "5", "6", "7", "8", "9"));
}

TEST(Hub, DropsAndCountsInfoAndDebugLinesThatFindTheirLaneFull) {
  Hub hub({.info_lane_bytes = 32 * 1024, .debug_lane_bytes = 32 * 1024});
  const Channel log(hub, {.level = Level::debug});
  constexpr std::size_t kLines = 2000;
  for (std::size_t i = 0; i < kLines; ++i) {
    RONDEL_LOG_INFO(log, "i", "{}", i);
  }
  RONDEL_LOG_DEBUG(log, "d", "the debug lane has room");
  StoringSink sink;
  hub.drain(sink);
  const std::size_t infos = sink.lines.size() - 1;
  EXPECT_GT(infos, 100u);
  EXPECT_EQ(infos + hub.dropped(ThreadLanes::info), kLines);
  EXPECT_EQ(hub.dropped(ThreadLanes::debug), 0u);
  for (std::size_t i = 0; i < infos; ++i) {
    ASSERT_EQ(sink.lines[i].text, std::to_string(i)) << "the oldest are kept, in order";
  }
  RONDEL_LOG_INFO(log, "i", "there is room again");
  EXPECT_FALSE(hub.empty());
}

TEST(Hub, ErrorLinesSpillIntoTheEmergencyLaneAndStayInOrder) {
  Hub hub({.error_lane_bytes = 32 * 1024});
  const Channel log(hub, {});
  StoringSink sink;
  int written = 0;
  // Far more than the lane holds; drained in uneven steps, while more come.
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 150; ++i) {
      RONDEL_LOG_ERROR(log, "e", "{}", written++);
    }
    sink.room = sink.lines.size() + static_cast<std::size_t>(round * 7 % 200);
    hub.drain(sink);
  }
  sink.room = ~std::size_t{0};
  hub.drain(sink);
  EXPECT_EQ(hub.dropped(ThreadLanes::error), 0u);
  ASSERT_EQ(sink.lines.size(), static_cast<std::size_t>(written));
  for (int i = 0; i < written; ++i) {
    ASSERT_EQ(sink.lines[static_cast<std::size_t>(i)].text, std::to_string(i));
  }
}

struct Reader final : HubReader {
  void wake() override { ++wakes; }
  bool write_now_blocking(const LineView& line) override {
    texts.emplace_back(line.text);
    return is_taking;
  }
  int wakes = 0;
  bool is_taking = true;
  std::vector<std::string> texts;
};

TEST(Hub, AnErrorLineThatFindsEverythingFullIsWrittenAtOnceOrElseCounted) {
  Hub hub({.error_lane_bytes = 32 * 1024, .emergency_lane_bytes = 32 * 1024});
  Reader reader;
  hub.set_reader(&reader);
  const Channel log(hub, {});
  int written = 0;
  while (reader.texts.empty() && written < 10'000) {
    RONDEL_LOG_ERROR(log, "e", "{}", written++);
  }
  ASSERT_THAT(reader.texts, ElementsAre(std::to_string(written - 1)));
  reader.is_taking = false;
  RONDEL_LOG_ERROR(log, "e", "the disk is full");
  EXPECT_EQ(hub.dropped(ThreadLanes::error), 1u);
  StoringSink sink;
  hub.drain(sink);
  EXPECT_EQ(sink.lines.size(), static_cast<std::size_t>(written - 1)) << "nothing else was lost";
  hub.set_reader(nullptr);
}

TEST(Hub, OnceClosedErrorsAreWrittenAtOnce) {
  Hub hub;
  Reader reader;
  hub.set_reader(&reader);
  const Channel log(hub, {});
  hub.close();
  RONDEL_LOG_ERROR(log, "e", "late");
  EXPECT_THAT(reader.texts, ElementsAre("late"));
  hub.set_reader(nullptr);
}

TEST(Hub, WakesASleepingReaderOnce) {
  Hub hub;
  Reader reader;
  hub.set_reader(&reader);
  const Channel log(hub, {});
  RONDEL_LOG_INFO(log, "i", "the reader does not sleep");
  EXPECT_EQ(reader.wakes, 0);
  hub.set_sleeping(true);
  for (int i = 0; i < 100; ++i) {
    RONDEL_LOG_INFO(log, "i", "{}", i);
  }
  EXPECT_EQ(reader.wakes, 1);
  hub.set_reader(nullptr);
}

TEST(Hub, ThreadsBeyondTheLimitShareLanes) {
  Hub hub({.threads_max = 2});
  const Channel log(hub, {});
  constexpr int kThreads = 6;
  std::atomic<int> with_own{0};
  std::latch all_here(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      with_own += register_thread(hub) ? 1 : 0;
      all_here.arrive_and_wait();
      for (int i = 0; i < 100; ++i) {
        RONDEL_LOG_INFO(log, "i", "{} {}", t, i);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(with_own, 2);
  StoringSink sink;
  hub.drain(sink);
  EXPECT_EQ(sink.lines.size(), kThreads * 100u);
}

TEST(Hub, LanesOfThreadsThatEndedAreUsedAgain) {
  Hub hub({.threads_max = 2});
  const Channel log(hub, {});
  for (int i = 0; i < 50; ++i) {
    std::thread([&] {
      EXPECT_TRUE(register_thread(hub));
      RONDEL_LOG_INFO(log, "i", "{}", i);
    }).join();
  }
  StoringSink sink;
  hub.drain(sink);
  ASSERT_EQ(sink.lines.size(), 50u);
  for (std::size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(sink.lines[i].text, std::to_string(i));
  }
}

TEST(Hub, OneThreadMayLogIntoSeveralHubsAndOutliveThem) {
  Hub first;
  const Channel to_first(first, {});
  for (int i = 0; i < 3; ++i) {
    Hub second;
    const Channel to_second(second, {});
    RONDEL_LOG_INFO(to_second, "i", "second");
    RONDEL_LOG_INFO(to_first, "i", "first {}", i);
    StoringSink sink;
    second.drain(sink);
    EXPECT_THAT(sink.texts(), ElementsAre("second"));
  }
  StoringSink sink;
  first.drain(sink);
  EXPECT_THAT(sink.texts(), ElementsAre("first 0", "first 1", "first 2"));
}

TEST(FileChannel, CutsAndCounts) {
  Hub hub;
  const FileChannel file(hub, "/unused", 5);
  EXPECT_TRUE(file.write_line(std::string(kVerbatimBytesMax + 1, 'x')));
  StoringSink sink;
  hub.drain(sink);
  EXPECT_TRUE(sink.lines.at(0).is_cut);
  EXPECT_EQ(sink.lines.at(0).text.size(), kVerbatimBytesMax);
  EXPECT_EQ(sink.lines.at(0).output, 5);
  int taken = 0;
  while (file.write_line(std::string(1000, 'y')) && taken < 10'000) {
    ++taken;
  }
  EXPECT_GT(taken, 200);
  EXPECT_EQ(file.lines_dropped(), 1u);
}

TEST(Lane, KeepsRecordsOfEverySizeInOrderAcrossItsEnd) {
  Lane lane(1024);
  std::size_t pushed = 0;
  std::size_t popped = 0;
  const auto size_of = [](std::size_t i) { return 1 + i * 37 % 250; };
  while (popped < 5000) {
    while (true) {
      const auto space = lane.try_reserve(size_of(pushed));
      if (space.empty()) {
        break;
      }
      ASSERT_EQ(space.size(), size_of(pushed));
      std::fill(space.begin(), space.end(), static_cast<std::byte>(pushed));
      lane.commit();
      ++pushed;
    }
    ASSERT_FALSE(lane.empty());
    for (std::size_t n = 0; n < 1 + popped % 3 && popped < pushed; ++n, ++popped) {
      const auto record = lane.front();
      ASSERT_EQ(record.size(), size_of(popped));
      for (const std::byte byte : record) {
        ASSERT_EQ(byte, static_cast<std::byte>(popped));
      }
      lane.pop();
    }
  }
}

TEST(Lane, AReservedRecordIsNotSeenBeforeItIsCommitted) {
  Lane lane(1024);
  ASSERT_FALSE(lane.try_reserve(10).empty());
  EXPECT_TRUE(lane.empty());
  EXPECT_TRUE(lane.front().empty());
  lane.commit();
  EXPECT_EQ(lane.front().size(), 10u);
}

TEST(RateLimit, AdmitsSoManyLinesInAPeriodAndSaysHowManyItHeldBack) {
  RateLimit limit(3, 1000);
  for (const std::uint64_t now_ms : {0u, 10u, 20u}) {
    EXPECT_EQ(limit.admit(now_ms), 0u);
  }
  EXPECT_EQ(limit.admit(30), std::nullopt);
  EXPECT_EQ(limit.admit(999), std::nullopt);
  EXPECT_EQ(limit.admit(1000), 2u);
  EXPECT_EQ(limit.admit(1001), 0u);
  EXPECT_EQ(limit.admit(1'000'000), 0u);
}

TEST(RateLimit, CountsEveryLineOfManyThreads) {
  RateLimit limit(10, 1'000'000);
  std::atomic<int> admitted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        admitted += limit.admit(5).has_value() ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  // The opening of the period may let each thread's first lines pass once more.
  EXPECT_GE(admitted, 10);
  EXPECT_LE(admitted, 20 + 4);
}

}  // namespace
}  // namespace rondel::log
