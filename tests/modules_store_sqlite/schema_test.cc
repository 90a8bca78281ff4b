#include "modules/store-sqlite/schema.h"

#include <gmock/gmock.h>

#include "modules/store-sqlite/sqlite_storage.h"
#include "tests/modules_store_sqlite/temporary_folder.h"
#include "tests/store/test_executor.h"

namespace rondel::modules::store_sqlite::test {
namespace {

using testing::HasSubstr;

class SchemaTest : public testing::Test {
 protected:
  std::unique_ptr<Connection> connect() { return Connection::open_blocking(path_, 1000).value(); }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("rondel.db");
};

TEST_F(SchemaTest, ANewFileGetsTheNewestVersionAndOurMark) {
  auto connection = connect();
  ASSERT_TRUE(migrate_blocking(*connection).has_value());
  EXPECT_EQ(connection->query_integer_blocking("PRAGMA user_version").value(),
            static_cast<std::int64_t>(migrations().size()));
  EXPECT_EQ(connection->query_integer_blocking("PRAGMA application_id").value(), kApplicationId);
  ASSERT_TRUE(migrate_blocking(*connection).has_value()) << "a second time there is nothing to do";
}

TEST_F(SchemaTest, AFileOfEveryOlderVersionMigratesAndKeepsItsData) {
  std::vector<const char*> steps(migrations().begin(), migrations().end());
  // Two later versions, as some day there will be.
  steps.push_back("ALTER TABLE account ADD COLUMN language TEXT NOT NULL DEFAULT 'en'");
  steps.push_back("UPDATE account SET language = 'it' WHERE local = 'juliet'");
  for (std::size_t old = 1; old < steps.size(); ++old) {
    path_ = folder_.file("from-" + std::to_string(old) + ".db");
    auto connection = connect();
    ASSERT_TRUE(migrate_blocking(*connection, std::span(steps).first(old)).has_value());
    ASSERT_TRUE(connection
                    ->execute_blocking("INSERT INTO account (host, local, state, created,"
                                       " password_changed) VALUES ('h', 'juliet', 0, 1, 2)")
                    .has_value());
    ASSERT_TRUE(migrate_blocking(*connection, steps).has_value());
    EXPECT_EQ(connection->query_integer_blocking("PRAGMA user_version").value(),
              static_cast<std::int64_t>(steps.size()));
    EXPECT_EQ(connection->query_text_blocking("SELECT language FROM account").value(), "it");
  }
}

TEST_F(SchemaTest, AFileOfTheFirstVersionOpensWithItsAccountsAndTakesBindings) {
  {
    auto connection = connect();
    ASSERT_TRUE(migrate_blocking(*connection, migrations().first(1)).has_value());
    ASSERT_TRUE(connection
                    ->execute_blocking(
                        "INSERT INTO account VALUES ('h', 'juliet', 0, 1, 2);"
                        "INSERT INTO scram_credential VALUES ('h', 'juliet', 2, 4096, x'01', x'02',"
                        " x'03')")
                    .has_value());
  }
  SqliteStorage storage({.path = path_});
  ASSERT_TRUE(storage.open_blocking().has_value());
  store::test::TestExecutor shard;
  auto session = storage.attach(shard);
  const store::UserKey juliet("juliet", "h");
  const store::Binding binding(store::BindingKind::principal, "juliet@H");
  ASSERT_TRUE(shard.get_blocking(session->users()->bind(juliet, binding)).has_value());
  const auto found = shard.get_blocking(session->users()->credentials(juliet));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->account.created.time_since_epoch().count(), 1);
  ASSERT_EQ(found->credentials.scram.size(), 1);
  EXPECT_EQ(found->credentials.scram[0].salt, "\x01");
  EXPECT_EQ(found->credentials.bindings, std::vector{binding});
  storage.close_blocking();
  shard.run_ready();
}

TEST_F(SchemaTest, StanzasOfOlderVersionsCountWithTheirBytesAndStayInOrder) {
  {
    auto connection = connect();
    ASSERT_TRUE(migrate_blocking(*connection, migrations().first(2)).has_value());
    ASSERT_TRUE(connection
                    ->execute_blocking("INSERT INTO offline_stanza (host, local, stamp, stanza)"
                                       " VALUES ('h', 'juliet', 1, 'rose \xf0\x9f\x8c\xb9'),"
                                       " ('h', 'romeo', 2, 'x'), ('h', 'juliet', 3, 'a')")
                    .has_value());
  }
  SqliteStorage storage({.path = path_});
  ASSERT_TRUE(storage.open_blocking().has_value());
  store::test::TestExecutor shard;
  auto session = storage.attach(shard);
  const store::UserKey juliet("juliet", "h");
  const auto add = [&](std::size_t bytes_max) {
    return shard
        .get_blocking(session->offline()->add(juliet, "b", store::timestamp_now(), {9, bytes_max}))
        .has_value();
  };
  EXPECT_FALSE(add(10));
  EXPECT_TRUE(add(11));
  const auto waiting = shard.get_blocking(session->offline()->fetch(juliet, 0, 9));
  ASSERT_EQ(waiting->size(), 3);
  EXPECT_EQ(waiting->at(0).stanza, "rose \xf0\x9f\x8c\xb9");
  EXPECT_EQ(waiting->at(1).stanza, "a");
  EXPECT_EQ(waiting->at(2).stanza, "b");
  storage.close_blocking();
  shard.run_ready();
  // Neither question reads the texts or sorts.
  const std::string plan =
      connect()
          ->query_text_blocking(
              "SELECT sql FROM sqlite_schema WHERE name = 'offline_stanza_by_user'")
          .value();
  EXPECT_THAT(plan, HasSubstr("(host, local, id, bytes)"));
}

TEST_F(SchemaTest, AMigrationThatFailsChangesNothing) {
  std::vector<const char*> steps(migrations().begin(), migrations().end());
  auto connection = connect();
  ASSERT_TRUE(migrate_blocking(*connection).has_value());
  steps.push_back("CREATE TABLE half (a); INSERT INTO no_such_table VALUES (1)");
  const auto migrated = migrate_blocking(*connection, steps);
  EXPECT_FALSE(migrated.has_value());
  EXPECT_FALSE(connection->is_in_transaction());
  EXPECT_EQ(connection->query_integer_blocking("PRAGMA user_version").value(),
            static_cast<std::int64_t>(migrations().size()));
  EXPECT_EQ(
      connection->query_integer_blocking("SELECT count(*) FROM sqlite_schema WHERE name = 'half'")
          .value(),
      0);
}

TEST_F(SchemaTest, ANewerFileIsRefusedWithASentenceAndNotTouched) {
  {
    auto connection = connect();
    ASSERT_TRUE(migrate_blocking(*connection).has_value());
    ASSERT_TRUE(connection->execute_blocking("PRAGMA user_version = 99").has_value());
  }
  SqliteStorage storage({.path = path_});
  auto opened = storage.open_blocking();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().failure, store::Failure::invalid);
  EXPECT_THAT(opened.error().message, HasSubstr("version 99"));
  EXPECT_EQ(connect()->query_integer_blocking("PRAGMA user_version").value(), 99);
}

TEST_F(SchemaTest, AnotherProgramsFileIsRefusedWithASentenceAndNotTouched) {
  const char* const foreign[] = {"CREATE TABLE prosody (host TEXT)", "PRAGMA application_id = 7",
                                 "PRAGMA user_version = 1"};
  for (const char* sql : foreign) {
    path_ = folder_.file("foreign-" + std::to_string(sql - foreign[0]) + ".db");
    ASSERT_TRUE(connect()->execute_blocking(sql).has_value());
    SqliteStorage storage({.path = path_});
    auto opened = storage.open_blocking();
    ASSERT_FALSE(opened.has_value()) << sql;
    EXPECT_THAT(opened.error().message, HasSubstr("another program"));
    EXPECT_EQ(connect()->query_text_blocking("PRAGMA journal_mode").value(), "delete");
  }
}

TEST_F(SchemaTest, EveryTableHasTheHostInItsKey) {
  auto connection = connect();
  ASSERT_TRUE(migrate_blocking(*connection).has_value());
  // offline_stanza is keyed by an id of its own; there an index leads with the host.
  EXPECT_EQ(connection
                ->query_text_blocking(
                    "SELECT group_concat(name) FROM sqlite_schema AS s WHERE type = 'table' AND"
                    " name NOT LIKE 'sqlite_%' AND name != 'offline_stanza' AND NOT EXISTS"
                    " (SELECT 1 FROM pragma_table_info(s.name) WHERE name = 'host' AND pk = 1)")
                .value(),
            "");
  EXPECT_EQ(connection
                ->query_text_blocking("SELECT name FROM pragma_index_info('offline_stanza_by_user')"
                                      " WHERE seqno = 0")
                .value(),
            "host");
}

}  // namespace
}  // namespace rondel::modules::store_sqlite::test
