// LogWriter: what arrives at a destination, in which order, and what happens when it fails.
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

#include "log/log.h"
#include "log/writer/log_writer.h"
#include "tests/log/log_support.h"

namespace rondel::log {
namespace {

using test::becomes_true;
using test::contents_of;
using test::Faults;
using test::lines_of;
using test::plain_rings;
using test::TemporaryFolder;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;

class Writer : public testing::Test {
 protected:
  void start(HubOptions hub_options = {}) {
    hub_ = std::make_unique<Hub>(hub_options);
    log_ = std::make_unique<Channel>(*hub_, Source{.interface = "clients", .level = Level::debug});
    start_writer();
  }
  void start_writer() {
    LogWriterOptions options{
        .destination = {Destination::Kind::file, path_}, .retry_ms = 20, .stop_max_ms = 300};
    auto writer = LogWriter::create(*hub_, options, plain_rings(faults_));
    ASSERT_TRUE(writer) << writer.error().message;
    writer_ = std::move(writer).value();
  }
  /// The texts behind "event: ", in the order of the file.
  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const std::string& line : lines_of(path_)) {
      const std::size_t at = line.find(": ");
      out.push_back(at == std::string::npos ? line : line.substr(at + 2));
    }
    return out;
  }
  [[nodiscard]] bool has_line(const std::string& part) const {
    return contents_of(path_).find(part) != std::string::npos;
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.path("rondel.log");
  Faults faults_;
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<Channel> log_;
  std::unique_ptr<LogWriter> writer_;
};

TEST_F(Writer, WritesALineSoonAfterItWasLogged) {
  start();
  RONDEL_LOG_INFO(*log_, "c2s.bound", "resource={}", "orchard");
  ASSERT_TRUE(becomes_true([&] { return !contents_of(path_).empty(); }));
  EXPECT_THAT(contents_of(path_),
              testing::MatchesRegex(
                  "20[-0-9]+T[:0-9]+\\.[0-9]+Z info \\[clients\\] c2s.bound: resource=orchard\n"));
}

TEST_F(Writer, WritesLinesThatWereLoggedBeforeItStarted) {
  hub_ = std::make_unique<Hub>();
  log_ = std::make_unique<Channel>(*hub_, Source{});
  RONDEL_LOG_INFO(*log_, "i", "early");
  start_writer();
  writer_->stop();
  EXPECT_THAT(texts(), testing::ElementsAre("early"));
}

TEST_F(Writer, DrainsErrorsFirstThenInfoThenDebugWhenAllThreeLanesAreFull) {
  start(
      {.error_lane_bytes = 32 * 1024, .info_lane_bytes = 32 * 1024, .debug_lane_bytes = 32 * 1024});
  faults_.is_held = true;
  RONDEL_LOG_INFO(*log_, "i", "the write that is held");
  ASSERT_TRUE(becomes_true([&] { return hub_->empty(); }));
  // Full, in the least helpful order; the error lane runs over into the emergency lane.
  for (int i = 0; hub_->dropped(ThreadLanes::debug) == 0; ++i) {
    RONDEL_LOG_DEBUG(*log_, "d", "debug {}", i);
  }
  for (int i = 0; hub_->dropped(ThreadLanes::info) == 0; ++i) {
    RONDEL_LOG_INFO(*log_, "i", "info {}", i);
  }
  constexpr int kErrors = 1000;
  for (int i = 0; i < kErrors; ++i) {
    RONDEL_LOG_ERROR(*log_, "e", "error {}", i);
  }
  faults_.is_held = false;
  writer_->stop();
  std::string order;
  std::array<int, 3> next{};
  for (const std::string& text : texts()) {
    for (const auto& [name, kind] : {std::pair{"error ", 0}, {"info ", 1}, {"debug ", 2}}) {
      if (text.starts_with(name)) {
        const auto k = static_cast<std::size_t>(kind);
        EXPECT_EQ(text, name + std::to_string(next[k]++)) << "each lane keeps its order";
        if (order.empty() || order.back() != name[0]) {
          order += name[0];
        }
      }
    }
  }
  EXPECT_EQ(order, "eid");
  EXPECT_EQ(next[0], kErrors);
  EXPECT_GT(next[1], 200);
  EXPECT_GT(next[2], 200);
  EXPECT_TRUE(has_line("log.dropped: 1 info lines were dropped"));
  EXPECT_TRUE(has_line("log.dropped: 1 debug lines were dropped"));
}

TEST_F(Writer, AnErrorThatComesDuringAWriteLeadsTheNextBatch) {
  start();
  faults_.is_held = true;
  RONDEL_LOG_INFO(*log_, "i", "held");
  ASSERT_TRUE(becomes_true([&] { return hub_->empty(); }));
  RONDEL_LOG_DEBUG(*log_, "d", "d");
  RONDEL_LOG_INFO(*log_, "i", "i");
  RONDEL_LOG_ERROR(*log_, "e", "e");
  faults_.is_held = false;
  writer_->stop();
  EXPECT_THAT(texts(), testing::ElementsAre("held", "e", "i", "d"));
}

TEST_F(Writer, LinesOfOneProducerAndLevelStayInOrderAndNoneIsLostOrRepeated) {
  start({.info_lane_bytes = 8 * 1024 * 1024, .debug_lane_bytes = 8 * 1024 * 1024});
  constexpr int kThreads = 4;
  constexpr int kLines = 5000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      register_thread(*hub_);
      for (int i = 0; i < kLines; ++i) {
        RONDEL_LOG(*log_, static_cast<Level>(i % 3), Fields{.jid = "a@b"}, "x", "{} {}", t, i);
        if (i % 1000 == 0) {
          log_->set_level(Level::debug);
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  writer_->stop();
  std::array<std::array<int, 3>, kThreads> next{};
  for (auto& of_thread : next) {
    of_thread = {0, 1, 2};
  }
  for (const std::string& text : texts()) {
    int thread = -1;
    int number = -1;
    ASSERT_EQ(std::sscanf(text.c_str(), "%d %d jid=a@b", &thread, &number), 2) << text;
    int& expected =
        next.at(static_cast<std::size_t>(thread)).at(static_cast<std::size_t>(number % 3));
    ASSERT_EQ(number, expected) << text;
    expected += 3;
  }
  for (const auto& of_thread : next) {
    EXPECT_THAT(of_thread, testing::Each(testing::Ge(kLines)));
  }
}

TEST_F(Writer, ShortWritesTearNoLine) {
  start();
  faults_.bytes_max = 7;
  for (int i = 0; i < 50; ++i) {
    RONDEL_LOG_INFO(*log_, "i", "line {}", i);
  }
  writer_->stop();
  const auto all = texts();
  ASSERT_EQ(all.size(), 50u);
  EXPECT_EQ(all[49], "line 49");
}

class WriterFailing : public Writer, public testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Errors, WriterFailing, testing::Values(ENOSPC, EPIPE, EAGAIN, EIO));

TEST_P(WriterFailing, KeepsErrorsCountsTheRestAndSaysWhenItRecovers) {
  start();
  testing::internal::CaptureStderr();
  faults_.error_number = GetParam();
  RONDEL_LOG_INFO(*log_, "i", "lost info");
  RONDEL_LOG_ERROR(*log_, "e", "kept 1");
  ASSERT_TRUE(becomes_true([&] { return faults_.writes >= 4; }));
  RONDEL_LOG_ERROR(*log_, "e", "kept 2");
  RONDEL_LOG_INFO(*log_, "i", "lost info");
  RONDEL_LOG_DEBUG(*log_, "d", "lost debug");
  ASSERT_TRUE(becomes_true([&] { return hub_->empty(); }));
  faults_.error_number = 0;
  ASSERT_TRUE(becomes_true([&] { return has_line("1 debug lines were dropped"); }));
  writer_->stop();
  const std::string said = testing::internal::GetCapturedStderr();
  const auto all = texts();
  ASSERT_EQ(all.size(), 5u) << contents_of(path_);
  EXPECT_EQ(all[0], "kept 1");
  EXPECT_EQ(all[1], "kept 2");
  EXPECT_THAT(all[2],
              AllOf(HasSubstr("takes lines again after"), EndsWith(std::strerror(GetParam()))));
  EXPECT_THAT(all[3], HasSubstr("2 info lines were dropped"));
  EXPECT_THAT(all[4], HasSubstr("1 debug lines were dropped"));
  EXPECT_THAT(said, AllOf(HasSubstr(path_), HasSubstr(std::strerror(GetParam()))));
}

TEST_F(Writer, AfterAShortWriteAndAFailureNothingIsAttachedToTheTornLine) {
  start();
  testing::internal::CaptureStderr();
  faults_.bytes_max = 10;
  faults_.good_writes = 1;
  faults_.error_number = ENOSPC;
  RONDEL_LOG_INFO(*log_, "i", "torn");
  ASSERT_TRUE(becomes_true([&] { return faults_.writes >= 3; }));
  EXPECT_EQ(contents_of(path_).size(), 10u);
  RONDEL_LOG_ERROR(*log_, "e", "kept");
  ASSERT_TRUE(becomes_true([&] { return hub_->empty(); }));
  faults_.error_number = 0;
  faults_.bytes_max = 0;
  writer_->stop();
  testing::internal::GetCapturedStderr();
  const auto all = lines_of(path_);
  ASSERT_EQ(all.size(), 4u) << contents_of(path_);
  EXPECT_EQ(all[0].size(), 10u);
  EXPECT_THAT(all[1], testing::MatchesRegex("20..-[^ ]*Z error \\[clients\\] e: kept"));
  EXPECT_THAT(all[2], HasSubstr("takes lines again"));
  EXPECT_THAT(all[3], HasSubstr("1 info lines were dropped"));
}

TEST_F(Writer, AnErrorThatWasTornByAFailureIsContinued) {
  start();
  testing::internal::CaptureStderr();
  faults_.bytes_max = 10;
  faults_.good_writes = 2;
  faults_.error_number = ENOSPC;
  RONDEL_LOG_ERROR(*log_, "e", "whole");
  ASSERT_TRUE(becomes_true([&] { return faults_.writes >= 4; }));
  faults_.error_number = 0;
  writer_->stop();
  testing::internal::GetCapturedStderr();
  const auto all = lines_of(path_);
  ASSERT_EQ(all.size(), 2u) << contents_of(path_);
  EXPECT_THAT(all[0], testing::MatchesRegex("20..-[^ ]*Z error \\[clients\\] e: whole"));
}

TEST_F(Writer, WithTheDiskFullForLongNoErrorThatFitsItsQueuesIsLost) {
  start({.error_lane_bytes = 32 * 1024});
  testing::internal::CaptureStderr();
  faults_.error_number = ENOSPC;
  constexpr int kErrors = 3000;
  for (int i = 0; i < kErrors; ++i) {
    RONDEL_LOG_ERROR(*log_, "e", "{} {}", i, std::string(200, 'x'));
  }
  ASSERT_TRUE(becomes_true([&] { return faults_.writes >= 2; }));
  faults_.error_number = 0;
  writer_->stop();
  testing::internal::GetCapturedStderr();
  int next = 0;
  for (const std::string& text : texts()) {
    int number = -1;
    if (std::sscanf(text.c_str(), "%d xxx", &number) == 1) {
      ASSERT_EQ(number, next++);
    }
  }
  EXPECT_EQ(next, kErrors);
}

TEST_F(Writer, StopGivesUpOnADestinationThatTakesNothing) {
  start();
  testing::internal::CaptureStderr();
  faults_.error_number = ENOSPC;
  RONDEL_LOG_ERROR(*log_, "e", "never written");
  const auto before = std::chrono::steady_clock::now();
  writer_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
  testing::internal::GetCapturedStderr();
}

TEST_F(Writer, AfterStopErrorsAreStillWritten) {
  start();
  writer_->stop();
  writer_->stop();
  RONDEL_LOG_ERROR(*log_, "e", "late");
  EXPECT_THAT(texts(), testing::ElementsAre("late"));
}

TEST_F(Writer, ReopensItsFileUnderTheSameName) {
  start();
  RONDEL_LOG_INFO(*log_, "i", "old");
  ASSERT_TRUE(becomes_true([&] { return has_line("old"); }));
  std::filesystem::rename(path_, path_ + ".1");
  RONDEL_LOG_INFO(*log_, "i", "still old");
  ASSERT_TRUE(becomes_true(
      [&] { return contents_of(path_ + ".1").find("still old") != std::string::npos; }));
  writer_->reopen();
  ASSERT_TRUE(becomes_true([&] { return std::filesystem::exists(path_); }));
  RONDEL_LOG_INFO(*log_, "i", "new");
  writer_->stop();
  EXPECT_THAT(texts(), testing::ElementsAre("new"));
}

TEST_F(Writer, KeepsTheOldFileAndSaysSoWhenItCannotBeReopened) {
  start();
  const FileChannel* extra = *writer_->open_file_channel(folder_.path("extra.log"));
  std::filesystem::rename(extra->path(), folder_.path("moved.log"));
  std::filesystem::create_directory(extra->path());
  writer_->reopen();
  ASSERT_TRUE(becomes_true(
      [&] { return has_line("log.reopen-failed: cannot open the log file " + extra->path()); }));
  extra->write_line("into the old file");
  writer_->stop();
  EXPECT_EQ(contents_of(folder_.path("moved.log")), "into the old file\n");
}

TEST_F(Writer, FileChannelsGoVerbatimIntoFilesOfTheirOwn) {
  start();
  const auto one = writer_->open_file_channel(folder_.path("one.log"));
  const auto two = writer_->open_file_channel(folder_.path("two.log"));
  ASSERT_TRUE(one && two);
  EXPECT_EQ(*writer_->open_file_channel(folder_.path("one.log")), *one)
      << "the same path, the same channel";
  (*one)->write_line("{\"body\":\"a\\nb\"}");
  (*two)->write_line("second");
  (*one)->write_line("");
  RONDEL_LOG_INFO(*log_, "i", "log");
  writer_->stop();
  EXPECT_EQ(contents_of((*one)->path()), "{\"body\":\"a\\nb\"}\n\n");
  EXPECT_EQ(contents_of((*two)->path()), "second\n");
  EXPECT_THAT(texts(), testing::ElementsAre("log"));
}

TEST_F(Writer, FileChannelsAreReopenedToo) {
  start();
  const FileChannel* channel = *writer_->open_file_channel(folder_.path("one.log"));
  channel->write_line("old");
  ASSERT_TRUE(becomes_true([&] { return contents_of(channel->path()) == "old\n"; }));
  std::filesystem::rename(channel->path(), channel->path() + ".1");
  writer_->reopen();
  ASSERT_TRUE(becomes_true([&] { return std::filesystem::exists(channel->path()); }));
  channel->write_line("new");
  writer_->stop();
  EXPECT_EQ(contents_of(channel->path()), "new\n");
}

TEST_F(Writer, SaysHowManyLinesOfAFileWereDropped) {
  start();
  const FileChannel* channel = *writer_->open_file_channel(folder_.path("one.log"));
  faults_.is_held = true;
  const std::string line(10'000, 'x');
  int written = 0;
  while (channel->lines_dropped() < 3) {
    written += channel->write_line(line) ? 1 : 0;
  }
  faults_.is_held = false;
  writer_->stop();
  EXPECT_EQ(contents_of(channel->path()).size(),
            static_cast<std::size_t>(written) * (line.size() + 1));
  EXPECT_TRUE(has_line("3 lines of " + channel->path() + " were dropped")) << contents_of(path_);
}

TEST_F(Writer, RefusesMoreFileChannelsThanItHolds) {
  start();
  for (std::size_t i = 0; i < LogWriter::kFileChannelsMax; ++i) {
    ASSERT_TRUE(writer_->open_file_channel(folder_.path(std::to_string(i))));
  }
  const auto refused = writer_->open_file_channel(folder_.path("more"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("63 log files open"));
  EXPECT_FALSE(writer_->open_file_channel(folder_.path("no/such/folder")));
}

TEST_F(Writer, WakesUpOnlyOnceForABurstAfterSilence) {
  start();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const int before = faults_.wakes;
  for (int i = 0; i < 1000; ++i) {
    RONDEL_LOG_INFO(*log_, "i", "{}", i);
  }
  EXPECT_LE(faults_.wakes - before, 1);
  ASSERT_TRUE(becomes_true([&] { return has_line("999"); }));
}

TEST(LogWriterCreate, FailsWithASentence) {
  Hub hub;
  Faults faults;
  const auto no_folder =
      LogWriter::create(hub, {.destination = {Destination::Kind::file, "/no/such/folder/x.log"}},
                        plain_rings(faults));
  ASSERT_FALSE(no_folder);
  EXPECT_EQ(no_folder.error().message,
            "cannot open the log file /no/such/folder/x.log: No such file or directory");
  const auto no_ring =
      LogWriter::create(hub, {}, []() -> base::Result<std::unique_ptr<ring::Ring>> {
        return base::Unexpected(base::Error("no io_uring here"));
      });
  ASSERT_FALSE(no_ring);
  EXPECT_EQ(no_ring.error().message, "no io_uring here");
}

}  // namespace
}  // namespace rondel::log
