#include "modules/store-sqlite/connection.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "base/check.h"

namespace rondel::modules::store_sqlite {
namespace {

using store::fail;
using store::Failure;

const char* advice(int code) {
  switch (code) {
    case SQLITE_FULL:
      return "; make room on the disk";
    case SQLITE_CORRUPT:
      return "; the file is damaged: stop the server and bring back a copy";
    case SQLITE_NOTADB:
      return "; the file is no SQLite database";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "; another program holds it";
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return "; the server's user must be able to write the file and its folder";
    default:
      return "";
  }
}

Failure failure_of(int code) {
  switch (code) {
    case SQLITE_CONSTRAINT:
      return Failure::conflict;
    case SQLITE_TOOBIG:
      return Failure::invalid;
    default:
      return Failure::unavailable;
  }
}

// The file holds credentials, so it is made for its owner only; SQLite gives the files beside it
// the same mode.
StoreResult<void> make_file_blocking(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return fail(Failure::unavailable, fmt::format("cannot open the database {}: {}", path,
                                                  std::generic_category().message(errno)));
  }
  ::close(fd);
  return {};
}

}  // namespace

StoreResult<std::unique_ptr<Connection>> Connection::open_blocking(const std::string& path,
                                                                   int busy_timeout_ms) {
  RONDEL_TRY_VOID(make_file_blocking(path));
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &database,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (!database) {
    return fail(Failure::unavailable, fmt::format("cannot open the database {}: no memory", path));
  }
  std::unique_ptr<Connection> connection(new Connection(database, path));
  if (code != SQLITE_OK) {
    return base::Unexpected<StoreError>(connection->last_error("open"));
  }
  sqlite3_extended_result_codes(database, 1);
  sqlite3_busy_timeout(database, busy_timeout_ms);
  // The file's own views and triggers get no functions with side effects.
  sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  return connection;
}

Connection::Connection(sqlite3* database, std::string path)
    : database_(database), path_(std::move(path)) {
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) {
    sqlite3_finalize(statement);
  }
  const int code = sqlite3_close(database_);
  RONDEL_CHECK(code == SQLITE_OK);
}

StoreResult<void> Connection::execute_blocking(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return base::Unexpected<StoreError>(last_error("use"));
  }
  return {};
}

StoreResult<std::int64_t> Connection::query_integer_blocking(const char* sql) {
  Statement statement(*this, sql);
  RONDEL_TRY(const bool has_row, statement.step_blocking());
  return has_row ? statement.integer_at(0) : std::int64_t{0};
}

StoreResult<std::string> Connection::query_text_blocking(const char* sql) {
  Statement statement(*this, sql);
  RONDEL_TRY(const bool has_row, statement.step_blocking());
  return has_row ? statement.bytes_at(0) : std::string();
}

bool Connection::is_in_transaction() const {
  return sqlite3_get_autocommit(database_) == 0;
}

std::int64_t Connection::changed_rows() const {
  return sqlite3_changes64(database_);
}

StoreError Connection::last_error(std::string_view what) const {
  const int code = sqlite3_errcode(database_) & 0xff;
  return StoreError(failure_of(code), fmt::format("cannot {} the database {}: {}{}", what, path_,
                                                  sqlite3_errmsg(database_), advice(code)));
}

sqlite3_stmt* Connection::prepared(const char* sql) {
  if (const auto found = statements_.find(sql); found != statements_.end()) {
    return found->second;
  }
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
      SQLITE_OK) {
    return nullptr;
  }
  statements_.emplace(sql, statement);
  return statement;
}

Statement::Statement(Connection& connection, const char* sql)
    : connection_(connection), statement_(connection.prepared(sql)) {
  if (!statement_) {
    failure_ = sqlite3_errcode(connection_.database_);
  }
}

Statement::~Statement() {
  if (statement_) {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
}

Statement& Statement::text(std::string_view value) {
  if (failure_ == SQLITE_OK) {
    // An empty view may have no address, which SQLite would take for NULL.
    failure_ = sqlite3_bind_text64(statement_, ++bound_, value.empty() ? "" : value.data(),
                                   value.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  return *this;
}

Statement& Statement::blob(std::string_view value) {
  if (failure_ == SQLITE_OK) {
    failure_ = sqlite3_bind_blob64(statement_, ++bound_, value.empty() ? "" : value.data(),
                                   value.size(), SQLITE_STATIC);
  }
  return *this;
}

Statement& Statement::integer(std::int64_t value) {
  if (failure_ == SQLITE_OK) {
    failure_ = sqlite3_bind_int64(statement_, ++bound_, value);
  }
  return *this;
}

StoreResult<bool> Statement::step_blocking() {
  if (failure_ != SQLITE_OK) {
    return base::Unexpected<StoreError>(connection_.last_error("use"));
  }
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code == SQLITE_DONE) {
    return false;
  }
  return base::Unexpected<StoreError>(connection_.last_error("use"));
}

StoreResult<void> Statement::run_blocking() {
  RONDEL_TRY(const bool has_row, step_blocking());
  RONDEL_ASSERT(!has_row);
  static_cast<void>(has_row);
  return {};
}

StoreResult<void> Statement::run_again_blocking() {
  RONDEL_TRY_VOID(run_blocking());
  sqlite3_reset(statement_);
  bound_ = 0;
  return {};
}

std::int64_t Statement::integer_at(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string Statement::bytes_at(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes ? std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size))
               : std::string();
}

Savepoint::~Savepoint() {
  // After SQLite's own rollback there is no savepoint left to go back to.
  if (is_open_ && connection_.is_in_transaction()) {
    static_cast<void>(Statement(connection_, "ROLLBACK TO nested").run_blocking());
    static_cast<void>(Statement(connection_, "RELEASE nested").run_blocking());
  }
}

StoreResult<void> Savepoint::begin_blocking() {
  RONDEL_TRY_VOID(Statement(connection_, "SAVEPOINT nested").run_blocking());
  is_open_ = true;
  return {};
}

StoreResult<void> Savepoint::release_blocking() {
  RONDEL_TRY_VOID(Statement(connection_, "RELEASE nested").run_blocking());
  is_open_ = false;
  return {};
}

}  // namespace rondel::modules::store_sqlite
