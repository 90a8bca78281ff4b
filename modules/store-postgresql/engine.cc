#include "modules/store-postgresql/engine.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace rondel::modules::store_postgresql {
namespace {

constexpr std::chrono::milliseconds kPatience{1000};
constexpr std::chrono::milliseconds kNone{0};

void refuse_all(store::WorkBatch& batch, const StoreError& error) {
  for (const auto& request : batch) {
    request->refuse(error);
  }
}

}  // namespace

Engine::Engine(Connector& connector, std::size_t number)
    : connector_(connector),
      number_(number),
      users_(connection_),
      rosters_(connection_),
      offline_(connection_),
      key_values_(connection_) {
}

bool Engine::ensure_connection() {
  if (connection_ && connection_->is_alive()) {
    return true;
  }
  may_wait_ = may_wait_ || connection_ != nullptr;
  connection_.reset();
  connection_ =
      connector_.take_blocking(number_, std::exchange(may_wait_, false) ? kPatience : kNone);
  return connection_ != nullptr;
}

void Engine::refuse(store::WorkRequest& request) {
  request.refuse(connector_.reason());
}

StoreResult<void> Engine::erase_user(const store::UserKey& user) {
  store_postgresql::erase_user(*connection_, user);
  return {};
}

StoreResult<std::vector<store::UserKey>> Engine::owners(const std::string& host,
                                                        const std::string& after_local,
                                                        std::size_t limit) {
  constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max();
  Query query(
      "SELECT local FROM account WHERE host = $1 AND local > $2"
      " UNION SELECT local FROM roster WHERE host = $1 AND local > $2"
      " UNION SELECT local FROM offline_stanza WHERE host = $1 AND local > $2"
      " UNION SELECT local FROM key_value WHERE host = $1 AND local > $2 ORDER BY 1 LIMIT $3");
  query.text(host).text(after_local).integer(static_cast<std::int64_t>(std::min(limit, kMost)));
  RONDEL_TRY(const Rows rows, connection_->run_blocking(query));
  std::vector<store::UserKey> page;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    page.emplace_back(rows.bytes(row, 0), host);
  }
  return page;
}

bool ReaderEngine::answer_together(store::WorkBatch& batch) {
  std::vector<bool> has_asked;
  bool is_simple = true;
  connection().start_collecting();
  for (const auto& request : batch) {
    const std::size_t before = connection().collected();
    request->perform(*this);
    const std::size_t count = connection().collected() - before;
    has_asked.push_back(count == 1);
    is_simple = is_simple && count <= 1;
  }
  auto answers = connection().collect_blocking();
  if (!answers || !is_simple) {
    return false;
  }
  auto next = answers->begin();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (has_asked[i]) {
      connection().set_answer(std::move(*next++));
      // What asks more than this one asks it now, as if alone.
      batch[i]->perform(*this);
      connection().set_answer(std::nullopt);
    }
  }
  return !connection().is_broken();
}

void ReaderEngine::process(store::WorkBatch& batch) {
  if (batch.size() > 1 && ensure_connection() && answer_together(batch)) {
    return;
  }
  for (const auto& request : batch) {
    for (int attempt = 0; attempt < 2; ++attempt) {
      if (!ensure_connection()) {
        refuse(*request);
        break;
      }
      request->perform(*this);
      // Reads post nothing; an answer of what they asked is complete.
      if (!connection().is_broken()) {
        break;
      }
    }
  }
}

void WriterEngine::process(store::WorkBatch& batch) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (!ensure_connection()) {
      for (const auto& request : batch) {
        refuse(*request);
      }
      return;
    }
    if (process_transaction(batch) != Outcome::lost_before_commit) {
      return;
    }
  }
}

WriterEngine::Outcome WriterEngine::process_transaction(store::WorkBatch& batch) {
  connection().post(Query("BEGIN"));
  for (const auto& request : batch) {
    perform(*request);
    if (connection().is_broken()) {
      refuse_all(batch, StoreError(store::Failure::unavailable,
                                   "the connection to PostgreSQL was lost in a transaction"));
      return Outcome::lost_before_commit;
    }
  }
  auto committed = connection().run_blocking(Query("COMMIT"));
  // A transaction that has failed answers a COMMIT with what it does instead.
  if (committed && committed->done() != "COMMIT") {
    refuse_all(batch,
               StoreError(store::Failure::unavailable, "PostgreSQL has given a transaction up"));
    return Outcome::failed;
  }
  if (!committed) {
    refuse_all(batch, StoreError(store::Failure::unavailable,
                                 "it is unknown whether PostgreSQL has committed: " +
                                     committed.error().message));
    if (!connection().is_broken()) {
      static_cast<void>(connection().run_blocking(Query("ROLLBACK")));
    }
    return Outcome::failed;
  }
  return Outcome::done;
}

void WriterEngine::perform(store::WorkRequest& request) {
  connection().post(Query("SAVEPOINT nested"));
  request.perform(*this);
  if (request.has_succeeded()) {
    // What the request has posted must be known to be good before it counts as done.
    const bool has_posted = connection().has_posted();
    connection().post(Query("RELEASE nested"));
    if (has_posted) {
      if (auto finished = connection().finish_blocking(); !finished) {
        request.refuse(std::move(finished).error());
      }
    }
  }
  if (!request.has_succeeded() && !connection().is_broken()) {
    // Clears what is left of an error, too.
    static_cast<void>(connection().finish_blocking());
    connection().post(Query("ROLLBACK TO nested"));
    connection().post(Query("RELEASE nested"));
    static_cast<void>(connection().finish_blocking());
  }
}

}  // namespace rondel::modules::store_postgresql
