#include "modules/store-sqlite/engine.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace rondel::modules::store_sqlite {

Engine::Engine(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)),
      users_(*connection_),
      rosters_(*connection_),
      offline_(*connection_),
      key_values_(*connection_) {
}

StoreResult<void> Engine::erase_user(const store::UserKey& user) {
  return store_sqlite::erase_user(*connection_, user);
}

StoreResult<std::vector<store::UserKey>> Engine::owners(const std::string& host,
                                                        const std::string& after_local,
                                                        std::size_t limit) {
  constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max();
  Statement statement(*connection_,
                      "SELECT local FROM account WHERE host = ?1 AND local > ?2"
                      " UNION SELECT local FROM roster WHERE host = ?1 AND local > ?2"
                      " UNION SELECT local FROM offline_stanza WHERE host = ?1 AND local > ?2"
                      " UNION SELECT local FROM key_value WHERE host = ?1 AND local > ?2"
                      " ORDER BY 1 LIMIT ?3");
  statement.text(host).text(after_local).integer(static_cast<std::int64_t>(std::min(limit, kMost)));
  std::vector<store::UserKey> page;
  for (;;) {
    RONDEL_TRY(const bool has_row, statement.step_blocking());
    if (!has_row) {
      return page;
    }
    page.emplace_back(statement.bytes_at(0), host);
  }
}

WriterEngine::~WriterEngine() {
  // A tidy end: one file, and nothing to recover at the next start. If a reader of another program
  // is in the way, the next start does it.
  static_cast<void>(connection().query_integer_blocking("PRAGMA wal_checkpoint(TRUNCATE)"));
}

void WriterEngine::process(store::WorkBatch& batch) {
  for (auto next = batch.begin(); next != batch.end();) {
    next = process_transaction(next, batch.end());
  }
}

WriterEngine::Iterator WriterEngine::process_transaction(Iterator first, Iterator last) {
  const auto refuse_all = [first](Iterator end, const StoreError& error) {
    for (auto at = first; at != end; ++at) {
      (*at)->refuse(error);
    }
  };
  // Left over only if SQLite couldn't even go back.
  if (connection().is_in_transaction()) {
    static_cast<void>(Statement(connection(), "ROLLBACK").run_blocking());
  }
  // IMMEDIATE: whoever holds the database makes us wait here, before anything was done.
  if (auto begun = Statement(connection(), "BEGIN IMMEDIATE").run_blocking(); !begun) {
    refuse_all(last, begun.error());
    return last;
  }
  for (auto at = first; at != last; ++at) {
    perform(**at);
    if (!connection().is_in_transaction()) {
      refuse_all(at + 1, StoreError(store::Failure::unavailable,
                                    "a transaction on " + connection().path() +
                                        " was given up: the disk is full or fails"));
      return at + 1;
    }
  }
  if (auto committed = Statement(connection(), "COMMIT").run_blocking(); !committed) {
    refuse_all(last, committed.error());
    if (connection().is_in_transaction()) {
      static_cast<void>(Statement(connection(), "ROLLBACK").run_blocking());
    }
  }
  return last;
}

void WriterEngine::perform(store::WorkRequest& request) {
  Savepoint savepoint(connection());
  if (auto begun = savepoint.begin_blocking(); !begun) {
    request.refuse(std::move(begun).error());
    return;
  }
  request.perform(*this);
  if (request.has_succeeded()) {
    if (auto released = savepoint.release_blocking(); !released) {
      request.refuse(std::move(released).error());
    }
  }
}

}  // namespace rondel::modules::store_sqlite
