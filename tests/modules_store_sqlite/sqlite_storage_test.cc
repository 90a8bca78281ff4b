#include "modules/store-sqlite/sqlite_storage.h"

#include <atomic>
#include <csignal>
#include <fstream>
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/modules_store_sqlite/temporary_folder.h"
#include "tests/store/storage_conformance.h"

namespace rondel::modules::store_sqlite::test {
namespace {

using store::AccountState;
using store::StorageSession;
using store::UserKey;
using store::test::outcome_of;
using store::test::sample_credentials;
using store::test::StorageKind;
using store::test::TestExecutor;
using testing::HasSubstr;

const UserKey kJuliet{"juliet", "example.org"};
const UserKey kRomeo{"romeo", "example.org"};
constexpr int kBusyTimeoutMs = 20;

SqliteOptions options_for(const std::string& path) {
  SqliteOptions options;
  options.path = path;
  options.busy_timeout_ms = kBusyTimeoutMs;
  return options;
}

std::atomic<long> steps_left{1'000'000'000};

/// Every connection of this program asks after each step of a statement whether it may go on.
int break_when_told(sqlite3* database, char**, const sqlite3_api_routines*) {
  sqlite3_progress_handler(
      database, 1, [](void*) { return steps_left.fetch_sub(1) <= 0 ? 1 : 0; }, nullptr);
  return SQLITE_OK;
}

/// In an outage another connection holds the write lock, as a stuck program of the operator would.
class SqliteUnderTest final : public store::test::StorageUnderTest {
 public:
  SqliteUnderTest() : storage_(options_for(folder_.file("test.db"))) {
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&break_when_told));
    const auto opened = storage_.open_blocking();
    EXPECT_TRUE(opened.has_value());
  }
  ~SqliteUnderTest() override {
    storage_.close_blocking();
    sqlite3_reset_auto_extension();
  }
  store::Storage& storage() override { return storage_; }
  void set_outage(bool is_out) override {
    if (is_out) {
      other_ = Connection::open_blocking(folder_.file("test.db"), 5000).value();
      ASSERT_TRUE(other_->execute_blocking("BEGIN IMMEDIATE").has_value());
    } else {
      other_.reset();
    }
  }
  void break_after(std::size_t steps) override { steps_left = static_cast<long>(steps); }
  void heal() override { steps_left = 1'000'000'000; }

 private:
  TemporaryFolder folder_;
  SqliteStorage storage_;
  std::unique_ptr<Connection> other_;
};

const auto kSqlite = StorageKind{"sqlite", [] { return std::make_unique<SqliteUnderTest>(); }};

}  // namespace
}  // namespace rondel::modules::store_sqlite::test

namespace rondel::store::test {
RONDEL_STORAGE_CONFORMS(Sqlite, modules::store_sqlite::test::kSqlite);
}

namespace rondel::modules::store_sqlite::test {
namespace {

class SqliteStorageTest : public testing::Test {
 protected:
  void open(SqliteOptions options) {
    storage_ = std::make_unique<SqliteStorage>(std::move(options));
    const auto opened = storage_->open_blocking();
    ASSERT_TRUE(opened.has_value()) << (opened ? "" : storage_->status());
    session_ = storage_->attach(shard_);
  }
  void open() { open(options_for(path_)); }
  void close() {
    storage_->close_blocking();
    shard_.run_ready();
    session_.reset();
    storage_.reset();
  }
  void TearDown() override {
    if (storage_) {
      close();
    }
  }
  /// The sentence with which an open is refused.
  std::string refusal() {
    SqliteStorage storage(options_for(path_));
    auto opened = storage.open_blocking();
    return opened ? "opened" : opened.error().message;
  }
  template <class T>
  T get(base::Task<T> task) {
    return shard_.get_blocking(std::move(task));
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("rondel.db");
  TestExecutor shard_;
  std::unique_ptr<SqliteStorage> storage_;
  std::unique_ptr<StorageSession> session_;
};

TEST_F(SqliteStorageTest, EverythingIsThereAfterAReopen) {
  open();
  ASSERT_EQ(outcome_of(get(session_->users()->create(kJuliet, sample_credentials("j")))), "ok");
  ASSERT_EQ(outcome_of(get(session_->users()->set_state(kJuliet, AccountState::disabled))), "ok");
  const auto version = get(session_->rosters()->change(
      kJuliet, {store::RosterChange::put(store::RosterItem{"a@b", "A", {"G"}})}));
  const store::Timestamp stamp = store::timestamp_now();
  ASSERT_EQ(outcome_of(get(session_->offline()->add(kJuliet, "<m/>", stamp, 10))), "ok");
  ASSERT_EQ(outcome_of(get(session_->key_values()->put(kJuliet, "s", "k", "v"))), "ok");
  const auto account = get(session_->users()->lookup(kJuliet));
  close();
  open();
  EXPECT_EQ(get(session_->users()->lookup(kJuliet)).value(), account.value());
  EXPECT_EQ(get(session_->users()->credentials(kJuliet))->credentials, sample_credentials("j"));
  EXPECT_EQ(get(session_->rosters()->load(kJuliet))->version, version.value());
  EXPECT_EQ(get(session_->offline()->fetch(kJuliet, 0, 10))->at(0).stamp, stamp);
  EXPECT_EQ(get(session_->key_values()->get(kJuliet, "s", "k")).value(), "v");
}

TEST_F(SqliteStorageTest, TheFilesAreForTheirOwnerOnly) {
  open();
  ASSERT_EQ(outcome_of(get(session_->users()->create(kJuliet, {}))), "ok");
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat status {};
    ASSERT_EQ(stat((path_ + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << suffix;
  }
}

TEST_F(SqliteStorageTest, AnOrderlyCloseLeavesOneFile) {
  open();
  ASSERT_EQ(outcome_of(get(session_->users()->create(kJuliet, {}))), "ok");
  close();
  EXPECT_TRUE(std::filesystem::exists(path_));
  EXPECT_FALSE(std::filesystem::exists(path_ + "-wal"));
}

TEST_F(SqliteStorageTest, OneFailingRequestTakesNothingOfItsBatchAlong) {
  open();
  ASSERT_EQ(outcome_of(get(session_->users()->create(kRomeo, {}))), "ok");
  // Handed in at once, so that most share a transaction; every third must fail.
  std::vector<std::optional<store::StoreResult<void>>> outcomes(300);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const UserKey user = i % 3 == 2 ? kRomeo : UserKey("u" + std::to_string(i), "example.org");
    TestExecutor::start(session_->users()->create(user, sample_credentials("x")), outcomes[i]);
  }
  shard_.run_until_blocking(
      [&] { return std::ranges::all_of(outcomes, [](auto& one) { return one.has_value(); }); });
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    EXPECT_EQ(outcome_of(*outcomes[i]), i % 3 == 2 ? "conflict" : "ok") << i;
  }
  EXPECT_EQ(get(session_->users()->count("example.org")).value(), 201);
}

TEST_F(SqliteStorageTest, WhatOneRequestOfABatchDidHalfwayIsUndone) {
  open();
  // A trigger of the test's own breaks the import at one name, after others were inserted.
  {
    auto other = Connection::open_blocking(path_, 5000).value();
    ASSERT_TRUE(other
                    ->execute_blocking("CREATE TRIGGER broken BEFORE INSERT ON account"
                                       " WHEN new.local = 'broken'"
                                       " BEGIN SELECT RAISE(ABORT, 'as the test wants'); END")
                    .has_value());
  }
  std::vector<store::NewUser> import;
  for (const char* name : {"one", "two", "broken", "three"}) {
    import.emplace_back(UserKey(name, "example.org"), sample_credentials(name));
  }
  std::optional<store::StoreResult<void>> before;
  std::optional<store::StoreResult<store::ImportOutcome>> imported;
  std::optional<store::StoreResult<void>> after;
  TestExecutor::start(session_->users()->create(kJuliet, {}), before);
  TestExecutor::start(session_->users()->create_many(import), imported);
  TestExecutor::start(session_->users()->create(kRomeo, {}), after);
  shard_.run_until_blocking([&] { return before && imported && after; });
  EXPECT_FALSE(imported->has_value());
  EXPECT_EQ(outcome_of(*before), "ok");
  EXPECT_EQ(outcome_of(*after), "ok");
  EXPECT_EQ(get(session_->users()->count("example.org")).value(), 2);
}

TEST_F(SqliteStorageTest, AFullDiskIsUnavailableAndAfterwardsAllGoesOn) {
  open();
  ASSERT_EQ(outcome_of(get(session_->users()->create(kJuliet, sample_credentials("j")))), "ok");
  // A limit on file sizes stands in for the disk: writes beyond it fail with EFBIG.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 256 * 1024;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string stanza(100 * 1024, 'x');
  int accepted = 0;
  std::string failure;
  for (int i = 0; i < 20 && failure.empty(); ++i) {
    const auto added = get(session_->offline()->add(kJuliet, stanza, store::timestamp_now(), 100));
    if (added.has_value()) {
      ++accepted;
    } else {
      failure = outcome_of(added);
    }
  }
  EXPECT_EQ(failure, "unavailable");
  EXPECT_EQ(outcome_of(get(session_->users()->lookup(kJuliet))), "ok");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);

  EXPECT_EQ(get(session_->offline()->count(kJuliet)).value(), accepted);
  EXPECT_EQ(outcome_of(get(session_->offline()->add(kJuliet, stanza, store::timestamp_now(), 100))),
            "ok");
  close();
  open();
  EXPECT_EQ(get(session_->offline()->count(kJuliet)).value(), accepted + 1);
}

TEST_F(SqliteStorageTest, ADamagedFileIsUnavailableWithWords) {
  open();
  std::vector<store::NewUser> import;
  for (int i = 0; i < 3000; ++i) {
    import.emplace_back(UserKey("user" + std::to_string(i), "example.org"),
                        sample_credentials(std::to_string(i)));
  }
  ASSERT_TRUE(get(session_->users()->create_many(import)).has_value());
  close();
  {
    // The first page, which holds the schema, stays; all others are overwritten.
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    const auto size = std::filesystem::file_size(path_);
    const std::string garbage(size - 4096, '\x5a');
    file.write(garbage.data(), static_cast<std::streamsize>(garbage.size()));
  }
  open();
  const auto found = get(session_->users()->lookup({"user7", "example.org"}));
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().failure, store::Failure::unavailable);
  EXPECT_THAT(found.error().message, HasSubstr("damaged"));
  EXPECT_THAT(found.error().message, HasSubstr(path_));
  EXPECT_EQ(outcome_of(get(session_->users()->create(kJuliet, {}))), "unavailable");
}

TEST_F(SqliteStorageTest, WhatCannotBeOpenedIsRefusedWithASentence) {
  path_ = folder_.file("no-such-folder/rondel.db");
  EXPECT_THAT(refusal(), HasSubstr("No such file or directory"));
  path_ = folder_.file("folder.db");
  std::filesystem::create_directory(path_);
  EXPECT_THAT(refusal(), HasSubstr("Is a directory"));
  path_ = folder_.file("text.db");
  std::ofstream(path_) << std::string(5000, 'x');
  EXPECT_THAT(refusal(), HasSubstr("no SQLite database"));
}

TEST_F(SqliteStorageTest, AnotherProgramsLockAtTheStartIsRefusedWithASentence) {
  open();
  close();
  auto other = Connection::open_blocking(path_, 5000).value();
  ASSERT_TRUE(other->execute_blocking("PRAGMA locking_mode = EXCLUSIVE").has_value());
  ASSERT_TRUE(other->execute_blocking("BEGIN EXCLUSIVE").has_value());
  EXPECT_THAT(refusal(), HasSubstr("another program holds it"));
}

}  // namespace
}  // namespace rondel::modules::store_sqlite::test
