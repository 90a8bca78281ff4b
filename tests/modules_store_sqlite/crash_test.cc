// What was answered is there after kill -9.
#include <csignal>
#include <cstring>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "modules/store-sqlite/sqlite_storage.h"
#include "tests/modules_store_sqlite/temporary_folder.h"
#include "tests/store/test_executor.h"

namespace rondel::modules::store_sqlite::test {
namespace {

using store::test::TestExecutor;

const store::UserKey kJuliet{"juliet", "example.org"};

/// A line that the child reports through the pipe: what was answered.
struct Answer {
  char kind;  ///< 'o': an offline stanza was accepted, 'r': a roster change was answered.
  int number;
};

void report(int pipe, char kind, int number) {
  Answer answer;
  std::memset(&answer, 0, sizeof answer);
  answer.kind = kind;
  answer.number = number;
  if (::write(pipe, &answer, sizeof answer) != sizeof answer) {
    ::_exit(3);
  }
}

base::Task<void> add_stanza(store::OfflineStore& offline, int number, int pipe, int& under_way) {
  const auto added =
      co_await offline.add(kJuliet, std::to_string(number), store::timestamp_now(), 10'000'000);
  --under_way;
  if (added.has_value()) {
    report(pipe, 'o', number);
  }
}

base::Task<void> add_contact(store::RosterStore& rosters, int number, int pipe, int& under_way) {
  std::vector<store::RosterChange> changes;
  changes.push_back(store::RosterChange::put(
      store::RosterItem("c" + std::to_string(number) + "@example.net", "", {"group"})));
  const auto changed = co_await rosters.change(kJuliet, changes);
  --under_way;
  if (changed.has_value()) {
    report(pipe, 'r', number);
  }
}

[[noreturn]] void write_until_killed(const std::string& path, int pipe) {
  SqliteStorage storage({.path = path});
  if (!storage.open_blocking().has_value()) {
    ::_exit(2);
  }
  TestExecutor shard;
  auto session = storage.attach(shard);
  int under_way = 0;
  for (int number = 0;;) {
    while (under_way < 32) {
      ++number;
      under_way += 2;
      add_stanza(*session->offline(), number, pipe, under_way).start();
      add_contact(*session->rosters(), number, pipe, under_way).start();
    }
    shard.run_until_blocking([&] { return under_way < 32; });
  }
}

/// What the child had answered before it was killed after `count` answers.
std::vector<Answer> answers_until_killed(const std::string& path, std::size_t count) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    write_until_killed(path, ends[1]);
  }
  ::close(ends[1]);
  std::vector<Answer> answers;
  Answer answer;
  while (::read(ends[0], &answer, sizeof answer) == sizeof answer) {
    answers.push_back(answer);
    if (answers.size() == count) {
      EXPECT_EQ(::kill(child, SIGKILL), 0);
    }
  }
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  return answers;
}

TEST(SqliteCrash, EverythingAnsweredBeforeKillNineIsThere) {
  TemporaryFolder folder;
  for (const std::size_t count : {1, 50, 500, 1777}) {
    const std::string path = folder.file("crash-" + std::to_string(count) + ".db");
    const std::vector<Answer> answers = answers_until_killed(path, count);
    ASSERT_GE(answers.size(), count);

    SqliteStorage storage({.path = path});
    ASSERT_TRUE(storage.open_blocking().has_value());
    TestExecutor shard;
    auto session = storage.attach(shard);
    std::map<std::string, int> stanzas;
    const auto waiting = shard.get_blocking(session->offline()->fetch(kJuliet, 0, 10'000'000));
    for (const store::OfflineStanza& one : waiting.value()) {
      ++stanzas[one.stanza];
    }
    const auto roster = shard.get_blocking(session->rosters()->load(kJuliet)).value();
    std::map<std::string, int> contacts;
    for (const auto& item : roster.items) {
      EXPECT_THAT(item.groups, testing::ElementsAre("group"));
      ++contacts[item.jid];
    }
    for (const Answer& answer : answers) {
      if (answer.kind == 'o') {
        EXPECT_EQ(stanzas[std::to_string(answer.number)], 1);
      } else {
        EXPECT_EQ(contacts["c" + std::to_string(answer.number) + "@example.net"], 1);
      }
    }
    auto connection = Connection::open_blocking(path, 1000).value();
    EXPECT_EQ(connection->query_text_blocking("PRAGMA integrity_check").value(), "ok");
    EXPECT_EQ(connection->query_text_blocking("PRAGMA foreign_key_check").value(), "");
    connection.reset();
    storage.close_blocking();
    shard.run_ready();
  }
}

}  // namespace
}  // namespace rondel::modules::store_sqlite::test
