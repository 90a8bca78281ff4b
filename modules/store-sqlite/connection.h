// One SQLite connection with its prepared statements.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "store/store_result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace rondel::modules::store_sqlite {

using store::StoreError;
using store::StoreResult;

/// How hard a commit is pressed to the disk; see SQLite's PRAGMA synchronous.
enum class Synchronous : std::uint8_t {
  normal,  ///< Survives a crash of the server, not always one of the machine.
  full,    ///< Survives both.
  extra,   ///< As full; also syncs the folder when a journal is deleted.
};

/// An open database file.
///
/// Errors: what SQLite says becomes a StoreError with the file's name: a violated constraint is a
/// conflict, a value too large invalid, all else unavailable. Thread: one at a time.
class Connection {
 public:
  [[nodiscard]] static StoreResult<std::unique_ptr<Connection>> open_blocking(
      const std::string& path, int busy_timeout_ms);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Runs statements without parameters or rows; for text of our own only.
  [[nodiscard]] StoreResult<void> execute_blocking(const char* sql);
  /// The first column of the first row.
  [[nodiscard]] StoreResult<std::int64_t> query_integer_blocking(const char* sql);
  [[nodiscard]] StoreResult<std::string> query_text_blocking(const char* sql);

  /// False after SQLite has rolled a transaction back by itself (disk full, I/O error).
  [[nodiscard]] bool is_in_transaction() const;
  /// Rows that the last statement changed.
  [[nodiscard]] std::int64_t changed_rows() const;
  [[nodiscard]] const std::string& path() const { return path_; }
  /// The error of the call that has just failed.
  [[nodiscard]] StoreError last_error(std::string_view what) const;

 private:
  friend class Statement;

  Connection(sqlite3* database, std::string path);
  /// Prepared once for each literal; null on failure.
  sqlite3_stmt* prepared(const char* sql);

  sqlite3* database_;
  std::string path_;
  std::unordered_map<const void*, sqlite3_stmt*> statements_;  ///< By the literal's address.
};

/// One use of a prepared statement: bind in order, step, read columns.
///
/// A failure to prepare or bind is reported by step_blocking(). What is bound must outlive it.
class Statement {
 public:
  /// `sql` is a literal: its address is the key of the cache.
  Statement(Connection& connection, const char* sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& text(std::string_view value);
  Statement& blob(std::string_view value);
  Statement& integer(std::int64_t value);

  /// True if there is a row.
  [[nodiscard]] StoreResult<bool> step_blocking();
  /// For statements without rows.
  [[nodiscard]] StoreResult<void> run_blocking();
  /// Runs, forgets what was bound, and is ready to be bound anew.
  [[nodiscard]] StoreResult<void> run_again_blocking();

  [[nodiscard]] std::int64_t integer_at(int column) const;
  /// Text or blob.
  [[nodiscard]] std::string bytes_at(int column) const;

 private:
  Connection& connection_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
  int failure_ = 0;  ///< SQLite's code of the first failure.
};

/// A nested transaction; outside of one a transaction of its own, which makes several reads see
/// one moment. Rolls back unless released.
class Savepoint {
 public:
  explicit Savepoint(Connection& connection) : connection_(connection) {}
  ~Savepoint();
  Savepoint(const Savepoint&) = delete;
  Savepoint& operator=(const Savepoint&) = delete;

  [[nodiscard]] StoreResult<void> begin_blocking();
  [[nodiscard]] StoreResult<void> release_blocking();

 private:
  Connection& connection_;
  bool is_open_ = false;
};

}  // namespace rondel::modules::store_sqlite
