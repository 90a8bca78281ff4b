#include "modules/store-postgresql/schema.h"

#include <atomic>
#include <gmock/gmock.h>
#include <vector>

#include "tests/modules_store_postgresql/postgres_server.h"

namespace rondel::modules::store_postgresql::test {
namespace {

using testing::HasSubstr;

class PostgresSchemaTest : public testing::Test {
 protected:
  std::unique_ptr<Connection> connect() {
    const std::atomic<bool> is_stopping{false};
    return Connection::open_blocking(options_, is_stopping).value();
  }
  std::string ask(const std::string& sql) {
    return server_.run("SET search_path TO " + options_.schema + "; " + sql);
  }

  PostgresServer& server_ = PostgresServer::shared();
  PostgresOptions options_ = server_.options();
};

TEST_F(PostgresSchemaTest, ASchemaOfEveryOlderVersionMigratesAndKeepsItsData) {
  std::vector<const char*> steps(migrations().begin(), migrations().end());
  // Two later versions, as some day there will be.
  steps.push_back("ALTER TABLE account ADD COLUMN language text NOT NULL DEFAULT 'en'");
  steps.push_back("UPDATE account SET language = 'it' WHERE local = 'juliet'");
  for (std::size_t old = 1; old < steps.size(); ++old) {
    options_ = server_.options();
    auto connection = connect();
    ASSERT_TRUE(
        migrate_blocking(*connection, options_.schema, std::span(steps).first(old)).has_value());
    ask("INSERT INTO account (host, local, state, created, password_changed)"
        " VALUES ('h', 'juliet', 0, 1, 2)");
    ASSERT_TRUE(migrate_blocking(*connection, options_.schema, steps).has_value());
    ASSERT_TRUE(migrate_blocking(*connection, options_.schema, steps).has_value()) << "again";
    EXPECT_EQ(ask("SELECT version FROM schema_version"), std::to_string(steps.size()));
    EXPECT_EQ(ask("SELECT language FROM account"), "it");
  }
}

TEST_F(PostgresSchemaTest, AMigrationThatFailsChangesNothing) {
  auto connection = connect();
  ASSERT_TRUE(migrate_blocking(*connection, options_.schema).has_value());
  std::vector<const char*> steps(migrations().begin(), migrations().end());
  steps.push_back("CREATE TABLE half (a int); INSERT INTO no_such_table VALUES (1)");
  const auto migrated = migrate_blocking(*connection, options_.schema, steps);
  ASSERT_FALSE(migrated.has_value());
  EXPECT_THAT(migrated.error().message, HasSubstr("no_such_table"));
  EXPECT_EQ(ask("SELECT version FROM schema_version"), std::to_string(migrations().size()));
  EXPECT_EQ(ask("SELECT count(*) FROM pg_tables WHERE tablename = 'half'"), "0");
  EXPECT_TRUE(migrate_blocking(*connection, options_.schema).has_value()) << "it goes on";
}

TEST_F(PostgresSchemaTest, AnErrorNamesNoData) {
  auto connection = connect();
  ASSERT_TRUE(migrate_blocking(*connection, options_.schema).has_value());
  ASSERT_TRUE(connection->enter_pipeline_blocking().has_value());
  Query query("INSERT INTO account VALUES ($1, $2, 0, 0, 0)");
  const std::string secret = "swordfish";
  query.text(secret).text(secret);
  ASSERT_TRUE(connection->run_blocking(query).has_value());
  const auto again = connection->run_blocking(query);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().failure, store::Failure::conflict);
  EXPECT_THAT(again.error().message, testing::Not(HasSubstr(secret)));
}

TEST_F(PostgresSchemaTest, AfterAnErrorTheStatementsPostedSinceAreNotCarriedOut) {
  auto connection = connect();
  ASSERT_TRUE(migrate_blocking(*connection, options_.schema).has_value());
  ASSERT_TRUE(connection->enter_pipeline_blocking().has_value());
  const auto insert = [](const std::string& local) {
    return Query("INSERT INTO account VALUES ('h', $1, 0, 0, 0)").text(local);
  };
  const std::string one = "one";
  const std::string two = "two";
  connection->post(insert(one));
  connection->post(insert(one));
  connection->post(insert(two));
  EXPECT_FALSE(connection->finish_blocking().has_value());
  EXPECT_EQ(ask("SELECT count(*) FROM account"), "0")
      << "what goes out together is one transaction";
  ASSERT_TRUE(connection->run_blocking(insert(two)).has_value()) << "the connection is as before";
  EXPECT_FALSE(connection->is_broken());
  // More than may be on their way at a time.
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) {
    names.push_back("user" + std::to_string(i));
  }
  for (const std::string& name : names) {
    connection->post(insert(name));
  }
  EXPECT_TRUE(connection->finish_blocking().has_value());
  EXPECT_EQ(ask("SELECT count(*) FROM account"), "1001");
}

}  // namespace
}  // namespace rondel::modules::store_postgresql::test
