#include "modules/store-postgresql/postgres_storage.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <thread>

#include "base/random.h"
#include "tests/modules_store_postgresql/cutting_proxy.h"
#include "tests/modules_store_postgresql/postgres_server.h"
#include "tests/store/storage_conformance.h"

namespace rondel::modules::store_postgresql::test {
namespace {

using store::StorageSession;
using store::UserKey;
using store::test::outcome_of;
using store::test::sample_credentials;
using store::test::StorageKind;
using store::test::TestExecutor;
using testing::HasSubstr;
using testing::Not;
using Clock = std::chrono::steady_clock;

const UserKey kJuliet{"juliet", "example.org"};
const UserKey kRomeo{"romeo", "example.org"};

/// In an outage the connections end and no new one comes about; a step is a piece of data on its
/// way from or to the server.
class PostgresUnderTest final : public store::test::StorageUnderTest {
 public:
  PostgresUnderTest()
      : proxy_(PostgresServer::shared().folder(), PostgresServer::shared().port()),
        storage_(options()) {
    const auto opened = storage_.open_blocking();
    EXPECT_TRUE(opened.has_value()) << (opened ? "" : opened.error().message);
  }
  ~PostgresUnderTest() override {
    storage_.close_blocking();
    PostgresServer::shared().run("DROP SCHEMA " + schema_ + " CASCADE");
  }
  store::Storage& storage() override { return storage_; }
  void set_outage(bool is_out) override {
    if (is_out) {
      proxy_.cut_after(0);
    } else {
      proxy_.heal();
      wait_for_connection();
    }
  }
  void break_after(std::size_t steps) override { proxy_.cut_after(steps); }
  void heal() override { proxy_.heal(); }

 private:
  PostgresOptions options() {
    PostgresOptions options = PostgresServer::shared().options();
    schema_ = options.schema;
    options.host = proxy_.folder();
    return options;
  }
  void wait_for_connection() {
    TestExecutor shard;
    auto session = storage_.attach(shard);
    const auto deadline = Clock::now() + std::chrono::seconds(10);
    for (const bool is_write : {true, false}) {
      std::string outcome;
      do {
        ASSERT_LT(Clock::now(), deadline);
        outcome = is_write ? outcome_of(shard.get_blocking(
                                 session->key_values()->remove({"", "wait.example"}, "s", "k")))
                           : outcome_of(shard.get_blocking(session->users()->count("x")));
      } while (outcome == "unavailable");
    }
  }

  CuttingProxy proxy_;
  std::string schema_;
  PostgresStorage storage_;
};

const auto kPostgres =
    StorageKind{"postgresql", [] { return std::make_unique<PostgresUnderTest>(); }};

}  // namespace
}  // namespace rondel::modules::store_postgresql::test

namespace rondel::store::test {
RONDEL_STORAGE_CONFORMS(Postgres, modules::store_postgresql::test::kPostgres);
}

namespace rondel::modules::store_postgresql::test {
namespace {

class PostgresStorageTest : public testing::Test {
 protected:
  void open() {
    storage_ = std::make_unique<PostgresStorage>(options_);
    const auto opened = storage_->open_blocking();
    ASSERT_TRUE(opened.has_value()) << (opened ? "" : opened.error().message);
    session_ = storage_->attach(shard_);
  }
  void close() {
    storage_->close_blocking();
    shard_.run_ready();
    session_.reset();
    storage_.reset();
  }
  void TearDown() override {
    server_.freeze(false);
    server_.start();
    if (storage_) {
      close();
    }
  }
  std::string refusal() {
    PostgresStorage storage(options_);
    auto opened = storage.open_blocking();
    return opened ? "opened" : opened.error().message;
  }
  template <class T>
  T get(base::Task<T> task) {
    return shard_.get_blocking(std::move(task));
  }
  std::string lookup() { return outcome_of(get(session_->users()->lookup(kJuliet))); }

  PostgresServer& server_ = PostgresServer::shared();
  PostgresOptions options_ = server_.options();
  TestExecutor shard_;
  std::unique_ptr<PostgresStorage> storage_;
  std::unique_ptr<StorageSession> session_;
};

TEST_F(PostgresStorageTest, EverythingIsThereAfterAReopen) {
  open();
  ASSERT_EQ(outcome_of(get(session_->users()->create(kJuliet, sample_credentials("j")))), "ok");
  ASSERT_EQ(outcome_of(get(session_->offline()->add(kJuliet, "<m/>", store::timestamp_now(), 9))),
            "ok");
  close();
  open();
  EXPECT_EQ(get(session_->users()->credentials(kJuliet))->credentials, sample_credentials("j"));
  EXPECT_EQ(get(session_->offline()->count(kJuliet)).value(), 1);
}

TEST_F(PostgresStorageTest, AStopUnderLoadLosesNothingAndNeedsNoRestart) {
  options_.retry_max = std::chrono::milliseconds(200);
  open();
  std::atomic<bool> is_over{false};
  std::atomic<int> failed{0};
  std::vector<std::vector<std::string>> accepted(3);
  std::atomic<long> slowest_ms{0};
  const auto work = [&](std::size_t number) {
    TestExecutor shard;
    auto session = storage_->attach(shard);
    const UserKey user{"user" + std::to_string(number), "example.org"};
    for (int i = 0; !is_over; ++i) {
      const std::string text = std::to_string(i);
      const auto start = Clock::now();
      const auto added = shard.get_blocking(
          session->offline()->add(user, text, store::timestamp_now(), 1'000'000));
      const long took =
          std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
      slowest_ms = std::max(slowest_ms.load(), took);
      if (added) {
        accepted[number].push_back(text);
      } else {
        ++failed;
        EXPECT_EQ(outcome_of(added), "unavailable");
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t number = 0; number < accepted.size(); ++number) {
    threads.emplace_back(work, number);
  }
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    server_.stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    EXPECT_THAT(storage_->status(), HasSubstr("away"));
    server_.start();
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1000));
  is_over = true;
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_GT(failed, 0);
  EXPECT_LT(slowest_ms, 3000) << "an answer must come promptly, also while it is away";
  EXPECT_THAT(storage_->status(), Not(HasSubstr("away")));
  for (std::size_t number = 0; number < accepted.size(); ++number) {
    EXPECT_GT(accepted[number].size(), 10);
    const UserKey user{"user" + std::to_string(number), "example.org"};
    const auto kept = get(session_->offline()->fetch(user, 0, 1'000'000));
    ASSERT_TRUE(kept.has_value());
    std::vector<std::string> texts;
    for (const auto& one : *kept) {
      texts.push_back(one.stanza);
    }
    std::ranges::sort(texts);
    std::ranges::sort(accepted[number]);
    EXPECT_TRUE(std::ranges::includes(texts, accepted[number]));
  }
}

TEST_F(PostgresStorageTest, ARestartWhileNothingHappensIsNotEvenNoticed) {
  open();
  ASSERT_EQ(outcome_of(get(session_->users()->create(kJuliet, {}))), "ok");
  ASSERT_EQ(lookup(), "ok");
  server_.stop();
  server_.start();
  EXPECT_EQ(lookup(), "ok");
  EXPECT_EQ(outcome_of(get(session_->users()->create(kRomeo, {}))), "ok");
}

TEST_F(PostgresStorageTest, AServerThatGivesNoAnswerIsGivenUpAndFoundAgain) {
  options_.operation_timeout = std::chrono::milliseconds(500);
  options_.connect_timeout = std::chrono::milliseconds(500);
  open();
  ASSERT_EQ(outcome_of(get(session_->users()->create(kJuliet, {}))), "ok");
  ASSERT_EQ(lookup(), "ok");
  server_.freeze(true);
  const auto start = Clock::now();
  EXPECT_EQ(lookup(), "unavailable");
  EXPECT_EQ(outcome_of(get(session_->users()->create(kRomeo, {}))), "unavailable");
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(4));
  const auto later = Clock::now();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(lookup(), "unavailable");
  }
  EXPECT_LT(Clock::now() - later, std::chrono::seconds(3)) << "known to be away: no more waiting";
  server_.freeze(false);
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  while (lookup() != "ok") {
    ASSERT_LT(Clock::now(), deadline);
  }
}

TEST_F(PostgresStorageTest, OneFailingRequestTakesNothingOfItsBatchAlong) {
  open();
  ASSERT_EQ(outcome_of(get(session_->users()->create(kRomeo, {}))), "ok");
  server_.run("ALTER TABLE " + options_.schema + ".account ADD CHECK (local <> 'broken')");
  // Handed in at once, so that most share a transaction; a third must fail.
  std::vector<std::optional<store::StoreResult<void>>> outcomes(300);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const UserKey user = i % 6 == 2   ? kRomeo
                         : i % 6 == 5 ? UserKey("broken", "example.org")
                                      : UserKey("u" + std::to_string(i), "example.org");
    TestExecutor::start(session_->users()->create(user, sample_credentials("x")), outcomes[i]);
  }
  shard_.run_until_blocking(
      [&] { return std::ranges::all_of(outcomes, [](auto& one) { return one.has_value(); }); });
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    EXPECT_EQ(outcome_of(*outcomes[i]),
              i % 6 == 2 ? "conflict" : (i % 6 == 5 ? "unavailable" : "ok"))
        << i;
  }
  EXPECT_EQ(get(session_->users()->count("example.org")).value(), 201);
}

TEST_F(PostgresStorageTest, ReadsThatComeTogetherGetEachItsOwnAnswer) {
  options_.readers = 1;
  open();
  constexpr std::size_t kUsers = 40;
  constexpr std::size_t kReads = 2000;
  const auto name = [](std::size_t i) { return "user" + std::to_string(i); };
  for (std::size_t i = 0; i < kUsers; i += 2) {
    ASSERT_EQ(outcome_of(get(session_->users()->create({name(i), "example.org"},
                                                       sample_credentials(name(i))))),
              "ok");
  }
  std::vector<std::optional<store::StoreResult<store::AccountWithCredentials>>> found(kReads);
  std::vector<std::optional<store::StoreResult<std::uint64_t>>> counted(kReads);
  std::vector<std::optional<store::StoreResult<store::UserData>>> read(kReads);
  for (std::size_t i = 0; i < kReads; ++i) {
    const UserKey user{name(i % kUsers), "example.org"};
    TestExecutor::start(session_->users()->credentials(user), found[i]);
    if (i % 7 == 0) {
      TestExecutor::start(session_->offline()->count(user), counted[i]);
    }
    // One that asks several questions, and one that PostgreSQL can't answer.
    if (i % 500 == 0) {
      TestExecutor::start(session_->read_all(user), read[i]);
    }
    if (i == kReads / 2) {
      TestExecutor::start(session_->offline()->count({"a\xff", "example.org"}), counted[1]);
    }
  }
  shard_.run_until_blocking([&] {
    return std::ranges::all_of(found, [](const auto& one) { return one.has_value(); }) &&
           counted[1].has_value() && counted[1995].has_value() && read[1500].has_value();
  });
  for (std::size_t i = 0; i < kReads; ++i) {
    const std::string user = name(i % kUsers);
    if (i % 2 == 1) {
      ASSERT_EQ(outcome_of(*found[i]), "not_found") << i;
    } else {
      ASSERT_EQ(outcome_of(*found[i]), "ok") << i;
      EXPECT_EQ((*found[i])->account.user.local, user);
      EXPECT_EQ((*found[i])->credentials, sample_credentials(user));
    }
  }
  EXPECT_EQ(outcome_of(*counted[1]), "invalid");
  EXPECT_EQ(counted[1995]->value(), 0);
  ASSERT_TRUE(read[1500]->has_value());
  EXPECT_EQ((*read[1500])->account->credentials, sample_credentials(name(1500 % kUsers)));
}

TEST_F(PostgresStorageTest, TheLongestNamesFitAlsoIfTheyCannotBeCompressed) {
  open();
  const auto noise = [](std::size_t size) {
    std::string text = base::random_token(size);
    return text.substr(0, size);
  };
  const UserKey user{noise(1023), noise(1023)};
  ASSERT_EQ(outcome_of(get(session_->users()->create(user, sample_credentials("x")))), "ok");
  const store::RosterItem item(noise(1023) + "@" + noise(1023), noise(1023), {noise(1023)});
  ASSERT_EQ(outcome_of(get(session_->rosters()->change(user, {store::RosterChange::put(item)}))),
            "ok");
  ASSERT_EQ(
      outcome_of(get(session_->rosters()->change(user, {store::RosterChange::remove(item.jid)}))),
      "ok");
  const std::string key = noise(store::kKeyBytesMax);
  ASSERT_EQ(outcome_of(get(session_->key_values()->put(user, key, key, "v"))), "ok");
  EXPECT_EQ(get(session_->key_values()->get(user, key, key)).value(), "v");
  const store::Binding binding(store::BindingKind::certificate_name, "cn:" + noise(1020));
  ASSERT_EQ(outcome_of(get(session_->users()->bind(user, binding))), "ok");
}

TEST_F(PostgresStorageTest, TextThatIsNotUtf8IsInvalidAndBreaksNothing) {
  open();
  EXPECT_EQ(outcome_of(get(session_->users()->create({"a\xff", "example.org"}, {}))), "invalid");
  EXPECT_EQ(outcome_of(get(session_->users()->create(kJuliet, {}))), "ok");
}

TEST_F(PostgresStorageTest, ThePasswordComesFromAFileACredentialOrTheEnvironment) {
  server_.run("DROP ROLE IF EXISTS locked");
  server_.run("CREATE ROLE locked LOGIN PASSWORD 'p w''\\x'");
  server_.run("GRANT CREATE ON DATABASE postgres TO locked");
  options_.user = "locked";
  EXPECT_THAT(refusal(), HasSubstr("password"));
  const std::string path = server_.folder() + "/secret";
  std::ofstream(path) << "p w'\\x\n";
  options_.password_file = path;
  EXPECT_EQ(refusal(), "opened");
  options_.password_file.clear();
  setenv("CREDENTIALS_DIRECTORY", server_.folder().c_str(), 1);
  options_.password_credential = "secret";
  EXPECT_EQ(refusal(), "opened");
  options_.password_credential = "../secret";
  EXPECT_THAT(refusal(), HasSubstr("CREDENTIALS_DIRECTORY"));
  options_.password_credential.clear();
  unsetenv("CREDENTIALS_DIRECTORY");
  setenv("RONDEL_TEST_PASSWORD", "p w'\\x", 1);
  options_.password_environment = "RONDEL_TEST_PASSWORD";
  EXPECT_EQ(refusal(), "opened");
  options_.password_file = path;
  EXPECT_THAT(refusal(), HasSubstr("one place"));
  options_.password_file.clear();
  setenv("RONDEL_TEST_PASSWORD", "swordfish", 1);
  EXPECT_THAT(refusal(),
              AllOf(HasSubstr("password authentication failed"), Not(HasSubstr("swordfish"))));
  unsetenv("RONDEL_TEST_PASSWORD");
  EXPECT_THAT(refusal(), HasSubstr("RONDEL_TEST_PASSWORD"));
  options_.password_environment.clear();
  options_.password_file = server_.folder() + "/none";
  EXPECT_THAT(refusal(), HasSubstr("No such file"));
  server_.run("DROP OWNED BY locked CASCADE");
  server_.run("DROP ROLE locked");
}

TEST_F(PostgresStorageTest, APasswordInTheConfigurationIsRefusedAndNotRepeated) {
  for (const char* text : {"host=/nowhere password=swordfish", "postgresql://u:swordfish@h/db"}) {
    options_.connection = text;
    EXPECT_THAT(refusal(),
                AllOf(HasSubstr("must not hold a password"), Not(HasSubstr("swordfish"))));
  }
  options_.connection = "password='swordfish";
  EXPECT_THAT(refusal(), AllOf(HasSubstr("no connection string"), Not(HasSubstr("swordfish"))));
}

TEST_F(PostgresStorageTest, AConnectionStringServesAndTheOptionsWinOverIt) {
  options_.connection =
      "postgresql:///nowhere?user=nobody&host=" + options_.host + "&port=" + options_.port;
  options_.host.clear();
  options_.port.clear();
  EXPECT_EQ(refusal(), "opened");
  options_.database.clear();
  EXPECT_THAT(refusal(), HasSubstr("nowhere"));
}

TEST_F(PostgresStorageTest, EachAddressThatFailedSaysWhy) {
  options_.tls_ca.clear();
  options_.connection = "host=127.0.0.1,127.0.0.2 port=1,2";
  options_.host.clear();
  options_.port.clear();
  EXPECT_THAT(refusal(), AllOf(HasSubstr("\"127.0.0.1\", port 1 failed"),
                               HasSubstr("; connection to server at \"127.0.0.2\", port 2 failed"),
                               Not(HasSubstr("\n"))));
}

TEST_F(PostgresStorageTest, TlsIsVerifiedOverTcp) {
  options_.host = "localhost";
  EXPECT_THAT(refusal(), HasSubstr("root")) << "without a certificate to trust";
  options_.tls_ca = server_.folder() + "/ca.crt";
  EXPECT_EQ(refusal(), "opened");
  options_.host = "127.0.0.1";
  EXPECT_THAT(refusal(), HasSubstr("does not match")) << "the certificate names localhost";
  options_.tls = "disable";
  EXPECT_EQ(refusal(), "opened");
}

TEST_F(PostgresStorageTest, ANewerSchemaIsRefusedWithASentenceAndNotTouched) {
  EXPECT_EQ(refusal(), "opened");
  server_.run("UPDATE " + options_.schema + ".schema_version SET version = 99");
  EXPECT_THAT(refusal(), HasSubstr("version 99"));
  EXPECT_EQ(server_.run("SELECT version FROM " + options_.schema + ".schema_version"), "99");
}

TEST_F(PostgresStorageTest, AnotherProgramsSchemaIsRefusedWithASentenceAndNotTouched) {
  server_.run("CREATE SCHEMA " + options_.schema + "; CREATE TABLE " + options_.schema +
              ".prosody (host text)");
  EXPECT_THAT(refusal(), HasSubstr("another program"));
  EXPECT_EQ(
      server_.run("SELECT count(*) FROM pg_tables WHERE schemaname = '" + options_.schema + "'"),
      "1");
}

TEST_F(PostgresStorageTest, ADatabaseOfAnotherEncodingIsRefused) {
  server_.run("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0");
  options_.database = "ascii";
  EXPECT_THAT(refusal(), HasSubstr("UTF8"));
  server_.run("DROP DATABASE ascii");
}

TEST_F(PostgresStorageTest, ASchemaMayHaveAnyName) {
  options_.schema = "odd\"; DROP SCHEMA public; --";
  open();
  EXPECT_EQ(outcome_of(get(session_->users()->create(kJuliet, {}))), "ok");
  EXPECT_EQ(server_.run("SELECT count(*) FROM pg_namespace WHERE nspname = 'public'"), "1");
}

TEST_F(PostgresStorageTest, ADatabaseThatIsAwayAtTheStartIsASentence) {
  options_.host = server_.folder() + "/nowhere";
  EXPECT_THAT(refusal(), HasSubstr("cannot reach PostgreSQL"));
}

TEST_F(PostgresStorageTest, EveryTableHasTheHostFirstInItsKey) {
  open();
  EXPECT_EQ(server_.run("SELECT coalesce(string_agg(c.relname, ','), '') FROM pg_class c"
                        " JOIN pg_namespace n ON n.oid = c.relnamespace"
                        " WHERE n.nspname = '" +
                        options_.schema +
                        "' AND c.relkind = 'r'"
                        " AND c.relname <> 'schema_version' AND NOT EXISTS (SELECT 1 FROM"
                        " pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND"
                        " a.attnum = i.indkey[0] WHERE i.indrelid = c.oid AND i.indisprimary"
                        " AND a.attname = 'host')"),
            "");
}

}  // namespace
}  // namespace rondel::modules::store_postgresql::test
