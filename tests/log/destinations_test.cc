// The real destinations, on io_uring: stderr, journal, syslog, a file; and what a crash leaves.
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "log/log.h"
#include "log/writer/log_writer.h"
#include "tests/log/log_support.h"

namespace rondel::log {
namespace {

using namespace std::string_view_literals;
using test::becomes_true;
using test::contents_of;
using test::Faults;
using test::lines_of;
using test::plain_rings;
using test::TemporaryFolder;
using testing::HasSubstr;
using testing::MatchesRegex;

// What journald and syslogd are to us.
class Listener {
 public:
  explicit Listener(const std::string& path) {
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ::unlink(path.c_str());
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~Listener() { ::close(fd_); }
  [[nodiscard]] std::string next() const {
    std::string datagram(64 * 1024, '\0');
    const ssize_t bytes = ::recv(fd_, datagram.data(), datagram.size(), 0);
    datagram.resize(bytes < 0 ? 0 : static_cast<std::size_t>(bytes));
    return datagram;
  }

 private:
  int fd_;
};

std::unique_ptr<LogWriter> started(Hub& hub, LogWriterOptions options) {
  auto writer = LogWriter::create(hub, std::move(options), uring_factory());
  EXPECT_TRUE(writer) << writer.error().message;
  return writer ? std::move(writer).value() : nullptr;
}

TEST(Destinations, AFileOnIoUringGetsEveryLineOfManyThreads) {
  const TemporaryFolder folder;
  const std::string path = folder.path("rondel.log");
  Hub hub({.info_lane_bytes = 4 * 1024 * 1024});
  const Channel log(hub, {});
  auto writer = started(hub, {.destination = {Destination::Kind::file, path}});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        RONDEL_LOG_INFO(log, "i", "line {}", i);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  writer->stop();
  EXPECT_EQ(lines_of(path).size(), 8000u);
}

TEST(Destinations, AnExistingFileIsAppendedToAndIsNotForEveryone) {
  const TemporaryFolder folder;
  const std::string path = folder.path("rondel.log");
  for (int i = 0; i < 2; ++i) {
    Hub hub;
    const Channel log(hub, {});
    auto writer = started(hub, {.destination = {Destination::Kind::file, path}});
    RONDEL_LOG_INFO(log, "i", "run {}", i);
  }
  EXPECT_EQ(lines_of(path).size(), 2u);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0007, 0u);
}

TEST(Destinations, TheJournalGetsOneDatagramForEachLine) {
  const TemporaryFolder folder;
  const std::string path = folder.path("journal");
  const Listener journal(path);
  Hub hub;
  const Channel log(hub, {.interface = "clients", .level = Level::info});
  auto writer = started(hub, {.destination = {Destination::Kind::journal, path}});
  RONDEL_LOG_INFO_WITH(log,
                       (Fields{.jid = "romeo@montague.example", .remote_address = "192.0.2.1"}),
                       "c2s.bound", "two\nlines");
  EXPECT_EQ(journal.next(),
            "MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\nPRIORITY=6\nSYSLOG_IDENTIFIER=rondeld\n"
            "XMPP_EVENT=c2s.bound\nXMPP_INTERFACE=clients\nXMPP_JID=romeo@montague.example\n"
            "XMPP_REMOTE_IP=192.0.2.1\n"sv);
  RONDEL_LOG_ERROR(log, "e", "{}", std::string(100'000, 'x'));
  EXPECT_THAT(journal.next(), HasSubstr("PRIORITY=3\n"));
}

TEST(Destinations, SyslogGetsPriorityAndTagAndIsFoundAgainAfterItsRestart) {
  const TemporaryFolder folder;
  const std::string path = folder.path("log");
  Hub hub;
  const Channel log(hub, {});
  auto first = std::make_unique<Listener>(path);
  auto writer = started(
      hub, {.destination = {Destination::Kind::syslog, path}, .program = "tester", .retry_ms = 20});
  RONDEL_LOG_INFO(log, "i", "hello");
  EXPECT_EQ(first->next(), "<30>tester[" + std::to_string(::getpid()) + "]: i: hello");
  testing::internal::CaptureStderr();
  first.reset();
  RONDEL_LOG_ERROR(log, "e", "while it was away");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const Listener second(path);
  EXPECT_THAT(second.next(), HasSubstr("e: while it was away"));
  EXPECT_THAT(second.next(), HasSubstr("log.recovered: " + path + " takes lines again"));
  writer->stop();
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("the log cannot be written"));
}

TEST(Destinations, ADaemonThatWasStartedAnewMissesNoLine) {
  const TemporaryFolder folder;
  const std::string path = folder.path("log");
  Hub hub;
  const Channel log(hub, {});
  auto listener = std::make_unique<Listener>(path);
  auto writer = started(
      hub,
      {.destination = {Destination::Kind::syslog, path}, .program = "tester", .retry_ms = 60'000});
  testing::internal::CaptureStderr();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5; ++i) {
      RONDEL_LOG_INFO(log, "i", "{} {}", round, i);
    }
    for (int i = 0; i < 5; ++i) {
      EXPECT_THAT(listener->next(), HasSubstr(fmt::format("i: {} {}", round, i)));
    }
    listener.reset();
    listener = std::make_unique<Listener>(path);
  }
  writer->stop();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Destinations, ADaemonThatComesBackIsFoundWithoutAnError) {
  const TemporaryFolder folder;
  const std::string path = folder.path("log");
  Hub hub;
  const Channel log(hub, {});
  auto first = std::make_unique<Listener>(path);
  auto writer = started(
      hub, {.destination = {Destination::Kind::syslog, path}, .program = "tester", .retry_ms = 20});
  testing::internal::CaptureStderr();
  first.reset();
  RONDEL_LOG_INFO(log, "i", "lost");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  RONDEL_LOG_INFO(log, "i", "waits");
  RONDEL_LOG_INFO(log, "i", "lost");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const Listener second(path);
  EXPECT_THAT(second.next(), HasSubstr("i: waits"));
  EXPECT_THAT(second.next(), HasSubstr("log.recovered"));
  writer->stop();
  EXPECT_THAT(second.next(), HasSubstr("2 info lines were dropped"));
  testing::internal::GetCapturedStderr();
}

// stderr of the process is a pipe while the writer runs.
std::string written_to_stderr(LogWriterOptions options, bool claims_journal) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const int saved = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  ::close(ends[1]);
  struct stat status {};
  ::fstat(STDERR_FILENO, &status);
  const std::string stream = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  ::setenv("JOURNAL_STREAM", claims_journal ? stream.c_str() : "1:2", 1);
  {
    Hub hub;
    const Channel log(hub, {});
    auto writer = started(hub, std::move(options));
    RONDEL_LOG_INFO(log, "i", "text");
  }
  ::unsetenv("JOURNAL_STREAM");
  ::dup2(saved, STDERR_FILENO);
  ::close(saved);
  std::string text(4096, '\0');
  const ssize_t bytes = ::read(ends[0], text.data(), text.size());
  ::close(ends[0]);
  text.resize(bytes < 0 ? 0 : static_cast<std::size_t>(bytes));
  return text;
}

TEST(Destinations, StderrHasPrefixesOnlyIfSystemdReadsIt) {
  EXPECT_EQ(written_to_stderr({}, true), "<6>i: text\n");
  EXPECT_THAT(written_to_stderr({}, false), MatchesRegex("20[^ ]+Z info i: text\n"));
  EXPECT_EQ(written_to_stderr({.priority_prefix = PriorityPrefix::always}, false), "<6>i: text\n");
  EXPECT_THAT(written_to_stderr({.priority_prefix = PriorityPrefix::never}, true),
              MatchesRegex("20[^ ]+Z info i: text\n"));
}

// Forks a child that logs and dies; returns how it died.
template <class F>
int died_of(const std::string& path, F&& die) {
  const pid_t child = ::fork();
  if (child == 0) {
    // No core dump, and nothing of gtest's that would catch the signal.
    for (const int fault : {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE}) {
      std::signal(fault, SIG_DFL);
    }
    Faults faults;
    Hub hub;
    const Channel log(hub, {.level = Level::debug});
    auto writer = LogWriter::create(hub, {.destination = {Destination::Kind::file, path}},
                                    plain_rings(faults));
    if (!writer) {
      ::_exit(3);
    }
    (*writer)->install_crash_flush();
    const FileChannel* file = *(*writer)->open_file_channel(path + ".file");
    // Held, so that lines are in the batch and in every lane at the moment of the crash.
    faults.is_held = true;
    RONDEL_LOG_INFO(log, "i", "in the batch");
    while (!hub.empty()) {
    }
    RONDEL_LOG_DEBUG(log, "d", "queued debug");
    RONDEL_LOG_INFO(log, "i", "queued info");
    RONDEL_LOG_ERROR(log, "e", "queued error");
    file->write_line("queued line of a file");
    die(faults);
    ::_exit(4);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

class CrashFlush : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Signals,
                         CrashFlush,
                         testing::Values(SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE));

TEST_P(CrashFlush, WritesWhatIsQueuedErrorsFirstAndDiesOfTheSameSignal) {
  const TemporaryFolder folder;
  const std::string path = folder.path("rondel.log");
  EXPECT_EQ(died_of(path, [](Faults&) { ::raise(GetParam()); }), GetParam());
  const auto lines = lines_of(path);
  ASSERT_EQ(lines.size(), 5u) << contents_of(path);
  EXPECT_THAT(lines[0], HasSubstr("in the batch"));
  EXPECT_THAT(lines[1], HasSubstr("queued error"));
  EXPECT_THAT(lines[2], HasSubstr("queued info"));
  EXPECT_THAT(lines[3], HasSubstr("queued debug"));
  char text[64];
  std::snprintf(text, sizeof text, "error log.crash: the process was ended by signal %02d",
                GetParam());
  EXPECT_THAT(lines[4], HasSubstr(text));
  EXPECT_EQ(contents_of(path + ".file"), "queued line of a file\n");
}

TEST(CrashFlushOfAThread, WorksFromAnyThread) {
  const TemporaryFolder folder;
  const std::string path = folder.path("rondel.log");
  EXPECT_EQ(died_of(path, [](Faults&) { std::thread([] { std::abort(); }).join(); }), SIGABRT);
  EXPECT_THAT(contents_of(path), HasSubstr("queued debug"));
}

TEST(CrashFlushAfterItsWriter, LeavesTheSignalsAsTheyWere) {
  const TemporaryFolder folder;
  Faults faults;
  Hub hub;
  struct sigaction before {};
  struct sigaction during {};
  struct sigaction after {};
  ::sigaction(SIGSEGV, nullptr, &before);
  {
    auto writer = LogWriter::create(
        hub, {.destination = {Destination::Kind::file, folder.path("x")}}, plain_rings(faults));
    ASSERT_TRUE(writer);
    (*writer)->install_crash_flush();
    ::sigaction(SIGSEGV, nullptr, &during);
  }
  ::sigaction(SIGSEGV, nullptr, &after);
  EXPECT_NE(during.sa_handler, before.sa_handler);
  EXPECT_EQ(after.sa_handler, before.sa_handler);
}

}  // namespace
}  // namespace rondel::log
