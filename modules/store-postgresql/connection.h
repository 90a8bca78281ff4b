// One connection to PostgreSQL, in pipeline mode.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "modules/store-postgresql/postgres_options.h"
#include "modules/store-postgresql/query.h"

struct pg_conn;
struct pg_result;

namespace rondel::modules::store_postgresql {

/// Statements are posted, and go out together with the first one whose answer is waited for.
///
/// Errors: what PostgreSQL says becomes a StoreError: a violated constraint is a conflict, data
/// that it can't hold invalid, all else unavailable. After an error the statements posted since are
/// not carried out. A connection that was lost, or gave no answer in time, is broken and stays so.
/// Thread: one at a time. Limits: kPostedMax statements on their way; then it waits for answers.
class Connection {
 public:
  static constexpr std::size_t kPostedMax = 256;

  /// Connects and chooses the schema. Gives up when `is_stopping` becomes true.
  [[nodiscard]] static StoreResult<std::unique_ptr<Connection>> open_blocking(
      const PostgresOptions& options, const std::atomic<bool>& is_stopping);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Statements of our own without parameters, several at once; before enter_pipeline().
  [[nodiscard]] StoreResult<Rows> execute_blocking(const std::string& sql);
  [[nodiscard]] std::string quoted(const std::string& identifier) const;
  [[nodiscard]] StoreResult<void> enter_pipeline_blocking();

  /// Without waiting; what becomes of it is told by the next call that waits.
  void post(const Query& query);
  /// The answer to this statement; an error of one that was posted before comes first.
  [[nodiscard]] StoreResult<Rows> run_blocking(const Query& query);
  /// Answers to all of them, in order; all or an error.
  [[nodiscard]] StoreResult<std::vector<Rows>> run_all_blocking(std::span<const Query> queries);
  /// From now on run_blocking() only sends, and gives an error at once; collect_blocking() ends
  /// that and waits for all answers together: in order, or an error if any of them is one.
  void start_collecting();
  [[nodiscard]] std::size_t collected() const { return sent_wanted_; }
  [[nodiscard]] StoreResult<std::vector<Rows>> collect_blocking();
  /// What the next run_blocking() gives without asking the server; nothing: it asks.
  void set_answer(std::optional<Rows> answer) { answer_ = std::move(answer); }

  /// Waits for what was posted.
  [[nodiscard]] StoreResult<void> finish_blocking();
  [[nodiscard]] bool has_posted() const { return !sent_.empty() || error_.has_value(); }

  [[nodiscard]] bool is_broken() const { return is_broken_; }
  /// Looks, without waiting, whether the server has hung up.
  [[nodiscard]] bool is_alive();

 private:
  struct Sent {
    const char* sql;
    bool is_prepare;
    bool is_wanted;
  };

  Connection(pg_conn* connection, std::chrono::milliseconds timeout)
      : connection_(connection), timeout_(timeout) {}

  StoreResult<void> connect_blocking(const PostgresOptions& options,
                                     const std::atomic<bool>& is_stopping);
  void send(const Query& query, bool is_wanted);
  /// Reads answers to all that was sent; those wanted go to `rows`. An error stays in error_.
  void receive_blocking(std::vector<Rows>* rows);
  StoreResult<pg_result*> next_result_blocking(std::chrono::steady_clock::time_point deadline);
  void note(const Sent& sent, pg_result* result, std::vector<Rows>* rows);
  void note_error(StoreError error);
  StoreError lost(const std::string& why);

  pg_conn* connection_;
  const std::chrono::milliseconds timeout_;
  std::unordered_set<const void*> prepared_;  ///< By the literal's address, which is the name too.
  std::deque<Sent> sent_;
  std::optional<StoreError> error_;  ///< Of a statement whose answer nobody has waited for yet.
  bool is_broken_ = false;
  bool is_collecting_ = false;
  std::size_t sent_wanted_ = 0;  ///< While it collects.
  std::optional<Rows> answer_;
};

}  // namespace rondel::modules::store_postgresql
