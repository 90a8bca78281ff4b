#include "modules/store-postgresql/connection.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"

namespace rondel::modules::store_postgresql {
namespace {

using store::fail;
using store::Failure;
using Clock = std::chrono::steady_clock;

// How often a wait for the network looks whether the server is stopping.
constexpr std::chrono::milliseconds kStopCheck{50};
constexpr int kBinary = 1;

std::string first_line(const char* text) {
  std::string line = text == nullptr ? "" : text;
  line.erase(std::min(line.find('\n'), line.size()));
  return line;
}

/// A name may have several addresses, and each a line of its own on why it failed.
std::string all_lines(const char* text) {
  std::string joined;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (const std::size_t begin = line.find_first_not_of(" \t"); begin != line.npos) {
      joined += (joined.empty() ? "" : "; ") + std::string(line.substr(begin));
    }
  }
  return joined;
}

std::string statement_name(const char* sql) {
  return fmt::format("r{:x}", reinterpret_cast<std::uintptr_t>(sql));
}

/// From the SQLSTATE (PostgreSQL manual, appendix A).
Failure failure_of(std::string_view state) {
  if (state == "23505") {
    return Failure::conflict;  // unique_violation
  }
  // Data exceptions, and limits such as an index row's size.
  return state.starts_with("22") || state.starts_with("54") ? Failure::invalid
                                                            : Failure::unavailable;
}

const char* advice(std::string_view state) {
  if (state.starts_with("28")) {
    return "; look at user, password and pg_hba.conf";
  }
  if (state == "25006") {
    return "; this is a standby, name the primary server";
  }
  if (state == "53100") {
    return "; make room on its disk";
  }
  if (state == "42501") {
    return "; the role must own the schema";
  }
  return "";
}

// Only the sentence: the details hold data.
StoreError error_of(const pg_result* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* sentence = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string_view code = state == nullptr ? "" : state;
  return StoreError(
      failure_of(code),
      fmt::format("PostgreSQL: {}{}", sentence == nullptr ? "no answer that makes sense" : sentence,
                  advice(code)));
}

struct Parameters {
  std::vector<std::string> values;
  std::vector<const char*> names;

  void add(const char* name, std::string value) {
    if (!value.empty()) {
      names.push_back(name);
      values.push_back(std::move(value));
    }
  }
};

/// The password must not stand in the main configuration, which more people read.
StoreResult<void> check_connection_string(const std::string& text) {
  char* problem = nullptr;
  PQconninfoOption* parsed = PQconninfoParse(text.c_str(), &problem);
  if (parsed == nullptr) {
    // libpq's sentence may quote the string, which may hold a password after all.
    PQfreemem(problem);
    return fail(Failure::invalid, "\"connection\" is no connection string of PostgreSQL");
  }
  bool has_password = false;
  for (const PQconninfoOption* at = parsed; at->keyword != nullptr; ++at) {
    has_password =
        has_password || (std::strcmp(at->keyword, "password") == 0 && at->val != nullptr);
  }
  PQconninfoFree(parsed);
  if (has_password) {
    return fail(Failure::invalid,
                "\"connection\" must not hold a password; use password_file, password_credential or"
                " password_environment");
  }
  return {};
}

Parameters parameters_of(const PostgresOptions& options, std::string password) {
  Parameters all;
  // As the first one: what follows overrides it.
  all.add("dbname", options.connection);
  all.add("host", options.host);
  all.add("port", options.port);
  all.add("user", options.user);
  all.add("password", std::move(password));
  all.add("sslmode", options.tls);
  all.add("sslrootcert", options.tls_ca);
  all.add("sslcert", options.tls_certificate);
  all.add("sslkey", options.tls_key);
  all.add("sslcrl", options.tls_crl);
  all.add("client_encoding", "UTF8");
  all.add("application_name", "rondel");
  // A statement that nobody waits for any more must not keep its locks.
  all.add("options",
          fmt::format("-c statement_timeout={} -c default_transaction_isolation="
                      "read\\ committed -c idle_in_transaction_session_timeout={}",
                      options.operation_timeout.count(), 2 * options.operation_timeout.count()));
  return all;
}

short events_of(PostgresPollingStatusType status) {
  return status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
}

}  // namespace

StoreResult<std::unique_ptr<Connection>> Connection::open_blocking(
    const PostgresOptions& options, const std::atomic<bool>& is_stopping) {
  if (!options.connection.empty()) {
    RONDEL_TRY_VOID(check_connection_string(options.connection));
  }
  RONDEL_TRY(std::string password, read_password_blocking(options));
  Parameters parameters = parameters_of(options, password);
  base::wipe(password);
  if (!options.database.empty()) {
    parameters.add("dbname", options.database);
  }
  std::vector<const char*> names = parameters.names;
  std::vector<const char*> values;
  for (const std::string& value : parameters.values) {
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  // Only the first "dbname" is expanded; a later one is a name.
  pg_conn* connection = PQconnectStartParams(names.data(), values.data(), 1);
  for (std::string& value : parameters.values) {
    base::wipe(value);
  }
  if (connection == nullptr) {
    return fail(Failure::unavailable, "no memory for a connection to PostgreSQL");
  }
  // libpq would print what the server remarks.
  PQsetNoticeProcessor(
      connection, [](void*, const char*) {}, nullptr);
  std::unique_ptr<Connection> opened(new Connection(connection, options.operation_timeout));
  RONDEL_TRY_VOID(opened->connect_blocking(options, is_stopping));
  return opened;
}

StoreResult<void> Connection::connect_blocking(const PostgresOptions& options,
                                               const std::atomic<bool>& is_stopping) {
  const auto deadline = Clock::now() + options.connect_timeout;
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (status != PGRES_POLLING_OK) {
    if (status == PGRES_POLLING_FAILED || PQstatus(connection_) == CONNECTION_BAD) {
      return fail(Failure::unavailable, fmt::format("cannot reach PostgreSQL: {}",
                                                    all_lines(PQerrorMessage(connection_))));
    }
    if (is_stopping.load() || Clock::now() >= deadline) {
      return fail(Failure::unavailable, "PostgreSQL didn't answer in time");
    }
    pollfd socket{PQsocket(connection_), events_of(status), 0};
    const int ready = ::poll(&socket, 1, static_cast<int>(kStopCheck.count()));
    if (ready > 0) {
      status = PQconnectPoll(connection_);
    }
  }
  const char* encoding = PQparameterStatus(connection_, "server_encoding");
  if (encoding == nullptr || std::strcmp(encoding, "UTF8") != 0) {
    return fail(Failure::invalid, "the database of PostgreSQL must have the encoding UTF8");
  }
  RONDEL_TRY_VOID(execute_blocking("SET search_path TO " + quoted(options.schema)));
  return {};
}

Connection::~Connection() {
  PQfinish(connection_);
}

std::string Connection::quoted(const std::string& identifier) const {
  char* text = PQescapeIdentifier(connection_, identifier.data(), identifier.size());
  std::string result = text == nullptr ? "\"\"" : text;
  PQfreemem(text);
  return result;
}

StoreResult<Rows> Connection::execute_blocking(const std::string& sql) {
  const auto deadline = Clock::now() + timeout_;
  if (PQsendQuery(connection_, sql.c_str()) == 0) {
    return base::Unexpected(lost(first_line(PQerrorMessage(connection_))));
  }
  std::optional<StoreError> error;
  Rows last;
  for (;;) {
    RONDEL_TRY(pg_result* const result, next_result_blocking(deadline));
    if (result == nullptr) {
      break;
    }
    Rows rows(result);
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
      last = std::move(rows);
    } else {
      error = error_of(result);
    }
  }
  if (error) {
    return base::Unexpected(*std::move(error));
  }
  return last;
}

StoreResult<void> Connection::enter_pipeline_blocking() {
  if (PQsetnonblocking(connection_, 1) != 0 || PQenterPipelineMode(connection_) == 0) {
    return base::Unexpected(lost(first_line(PQerrorMessage(connection_))));
  }
  return {};
}

void Connection::post(const Query& query) {
  if (sent_.size() >= kPostedMax) {
    receive_blocking(nullptr);
  }
  send(query, false);
}

StoreResult<Rows> Connection::run_blocking(const Query& query) {
  if (is_collecting_) {
    send(query, true);
    ++sent_wanted_;
    return fail(Failure::unavailable, "the answer is on its way");
  }
  if (answer_) {
    return *std::exchange(answer_, std::nullopt);
  }
  RONDEL_TRY(std::vector<Rows> rows, run_all_blocking(std::span(&query, 1)));
  return std::move(rows.front());
}

void Connection::start_collecting() {
  is_collecting_ = true;
  sent_wanted_ = 0;
}

StoreResult<std::vector<Rows>> Connection::collect_blocking() {
  is_collecting_ = false;
  return run_all_blocking({});
}

StoreResult<std::vector<Rows>> Connection::run_all_blocking(std::span<const Query> queries) {
  std::vector<Rows> rows;
  for (const Query& query : queries) {
    if (sent_.size() >= kPostedMax) {
      receive_blocking(&rows);
    }
    send(query, true);
  }
  receive_blocking(&rows);
  if (error_) {
    return base::Unexpected(*std::exchange(error_, std::nullopt));
  }
  RONDEL_CHECK(rows.size() >= queries.size());
  return rows;
}

StoreResult<void> Connection::finish_blocking() {
  receive_blocking(nullptr);
  if (error_) {
    return base::Unexpected(*std::exchange(error_, std::nullopt));
  }
  return {};
}

void Connection::send(const Query& query, bool is_wanted) {
  // After an error the rest of its chain isn't sent either.
  if (is_broken_ || error_) {
    note_error(StoreError(Failure::unavailable, "the connection to PostgreSQL is lost"));
    return;
  }
  const std::string name = statement_name(query.sql());
  bool is_sent = true;
  if (prepared_.insert(query.sql()).second) {
    is_sent = PQsendPrepare(connection_, name.c_str(), query.sql(),
                            static_cast<int>(query.types().size()), query.types().data()) == 1;
    sent_.push_back({query.sql(), true, false});
  }
  const std::vector<std::string_view> views = query.values();
  std::vector<const char*> values;
  std::vector<int> sizes;
  const std::vector<int> formats(views.size(), kBinary);
  for (const std::string_view view : views) {
    values.push_back(view.data() == nullptr ? "" : view.data());
    sizes.push_back(static_cast<int>(view.size()));
  }
  is_sent =
      is_sent && PQsendQueryPrepared(connection_, name.c_str(), static_cast<int>(values.size()),
                                     values.data(), sizes.data(), formats.data(), kBinary) == 1;
  sent_.push_back({query.sql(), false, is_wanted});
  if (!is_sent) {
    note_error(lost(first_line(PQerrorMessage(connection_))));
  }
}

void Connection::receive_blocking(std::vector<Rows>* rows) {
  if (sent_.empty() || is_broken_) {
    sent_.clear();
    return;
  }
  if (PQpipelineSync(connection_) == 0) {
    note_error(lost(first_line(PQerrorMessage(connection_))));
    return;
  }
  const auto deadline = Clock::now() + timeout_;
  while (!sent_.empty()) {
    const Sent sent = sent_.front();
    sent_.pop_front();
    // Each statement gives its result and then an end.
    for (;;) {
      auto result = next_result_blocking(deadline);
      if (!result) {
        note_error(std::move(result).error());
        return;
      }
      if (*result == nullptr) {
        break;
      }
      note(sent, *result, rows);
      if (is_broken_) {
        return;
      }
    }
  }
  auto end = next_result_blocking(deadline);
  if (!end) {
    note_error(std::move(end).error());
    return;
  }
  const Rows owner(*end);
  if (PQresultStatus(*end) != PGRES_PIPELINE_SYNC) {
    note_error(lost("an answer out of turn"));
  }
}

void Connection::note(const Sent& sent, pg_result* result, std::vector<Rows>* rows) {
  Rows owner(result);
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
    if (sent.is_wanted && rows != nullptr) {
      rows->push_back(std::move(owner));
    }
    return;
  }
  if (sent.is_prepare) {
    prepared_.erase(sent.sql);
  }
  if (status == PGRES_PIPELINE_ABORTED) {
    return;  // An earlier one has failed, and said why.
  }
  note_error(error_of(result));
  const std::string_view state = PQresultErrorField(result, PG_DIAG_SQLSTATE) == nullptr
                                     ? ""
                                     : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  // The server is going (57P…), the connection failed (08…), or it wasn't the server who answered.
  if (state.empty() || state.starts_with("08") || state.starts_with("57P")) {
    static_cast<void>(lost("the server ended it"));
  }
}

StoreResult<pg_result*> Connection::next_result_blocking(Clock::time_point deadline) {
  for (;;) {
    const int unsent = PQflush(connection_);
    if (unsent < 0) {
      return base::Unexpected(lost(first_line(PQerrorMessage(connection_))));
    }
    if (PQisBusy(connection_) == 0) {
      return PQgetResult(connection_);
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) {
      return base::Unexpected(lost(fmt::format("no answer within {} ms", timeout_.count())));
    }
    pollfd socket{PQsocket(connection_), static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN),
                  0};
    const int ready = ::poll(&socket, 1, static_cast<int>(left));
    if (ready > 0 && (socket.revents & ~POLLOUT) != 0 && PQconsumeInput(connection_) == 0) {
      return base::Unexpected(lost(first_line(PQerrorMessage(connection_))));
    }
  }
}

void Connection::note_error(StoreError error) {
  if (!error_) {
    error_ = std::move(error);
  }
}

StoreError Connection::lost(const std::string& why) {
  is_broken_ = true;
  return StoreError(Failure::unavailable,
                    fmt::format("the connection to PostgreSQL is lost: {}", why));
}

bool Connection::is_alive() {
  if (is_broken_) {
    return false;
  }
  pollfd socket{PQsocket(connection_), POLLIN, 0};
  if (::poll(&socket, 1, 0) > 0 &&
      (PQconsumeInput(connection_) == 0 || PQstatus(connection_) == CONNECTION_BAD)) {
    is_broken_ = true;
  }
  return !is_broken_;
}

}  // namespace rondel::modules::store_postgresql
