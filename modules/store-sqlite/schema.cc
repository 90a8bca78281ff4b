#include "modules/store-sqlite/schema.h"

#include <array>
#include <fmt/format.h>

namespace rondel::modules::store_sqlite {
namespace {

using store::fail;
using store::Failure;

// Times are milliseconds since 1970, UTC. Rosters and offline stanzas don't refer to accounts:
// those may live in another storage.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE account (
  host TEXT NOT NULL,
  local TEXT NOT NULL,
  state INTEGER NOT NULL,
  created INTEGER NOT NULL,
  password_changed INTEGER NOT NULL,
  PRIMARY KEY (host, local)
) STRICT, WITHOUT ROWID;

CREATE TABLE scram_credential (
  host TEXT NOT NULL,
  local TEXT NOT NULL,
  hash INTEGER NOT NULL,
  iterations INTEGER NOT NULL,
  salt BLOB NOT NULL,
  stored_key BLOB NOT NULL,
  server_key BLOB NOT NULL,
  PRIMARY KEY (host, local, hash),
  FOREIGN KEY (host, local) REFERENCES account ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE roster (
  host TEXT NOT NULL,
  local TEXT NOT NULL,
  version INTEGER NOT NULL,
  complete_since INTEGER NOT NULL,
  PRIMARY KEY (host, local)
) STRICT, WITHOUT ROWID;

CREATE TABLE roster_item (
  host TEXT NOT NULL,
  local TEXT NOT NULL,
  jid TEXT NOT NULL,
  name TEXT NOT NULL,
  subscription INTEGER NOT NULL,
  is_asked INTEGER NOT NULL,
  is_approved INTEGER NOT NULL,
  is_listed INTEGER NOT NULL,
  pending_in TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (host, local, jid),
  FOREIGN KEY (host, local) REFERENCES roster ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE roster_group (
  host TEXT NOT NULL,
  local TEXT NOT NULL,
  jid TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (host, local, jid, name),
  FOREIGN KEY (host, local, jid) REFERENCES roster_item ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE roster_removal (
  host TEXT NOT NULL,
  local TEXT NOT NULL,
  jid TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (host, local, jid),
  FOREIGN KEY (host, local) REFERENCES roster ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE offline_stanza (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  host TEXT NOT NULL,
  local TEXT NOT NULL,
  stamp INTEGER NOT NULL,
  stanza TEXT NOT NULL
) STRICT;
CREATE INDEX offline_stanza_by_user ON offline_stanza (host, local);

CREATE TABLE key_value (
  host TEXT NOT NULL,
  local TEXT NOT NULL,
  space TEXT NOT NULL,
  key TEXT NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (host, local, space, key)
) STRICT;
)sql";

// A binding belongs to one account of its host.
constexpr const char* kVersion2 = R"sql(
CREATE TABLE binding (
  host TEXT NOT NULL,
  kind INTEGER NOT NULL,
  value TEXT NOT NULL,
  local TEXT NOT NULL,
  PRIMARY KEY (host, kind, value),
  FOREIGN KEY (host, local) REFERENCES account ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX binding_by_user ON binding (host, local);
)sql";

// How much waits for a user is asked with each stanza: the index knows it without the texts.
constexpr const char* kVersion3 = R"sql(
ALTER TABLE offline_stanza ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE offline_stanza SET bytes = length(CAST(stanza AS BLOB));
DROP INDEX offline_stanza_by_user;
CREATE INDEX offline_stanza_by_user ON offline_stanza (host, local, id, bytes);
)sql";

constexpr std::array<const char*, 3> kMigrations{kVersion1, kVersion2, kVersion3};

StoreResult<std::int64_t> version_blocking(Connection& connection, std::int64_t newest) {
  RONDEL_TRY(const std::int64_t application,
             connection.query_integer_blocking("PRAGMA application_id"));
  RONDEL_TRY(const std::int64_t version, connection.query_integer_blocking("PRAGMA user_version"));
  RONDEL_TRY(const std::int64_t objects,
             connection.query_integer_blocking("SELECT count(*) FROM sqlite_schema"));
  const bool is_empty = application == 0 && version == 0 && objects == 0;
  if (application != kApplicationId && !is_empty) {
    return fail(Failure::invalid,
                fmt::format("the database {} belongs to another program; give another path",
                            connection.path()));
  }
  if (version > newest) {
    return fail(Failure::invalid,
                fmt::format("the database {} has version {}, and this server knows versions up to "
                            "{}; install the newer server again, or bring back an older copy",
                            connection.path(), version, newest));
  }
  return version;
}

}  // namespace

std::span<const char* const> migrations() {
  return kMigrations;
}

StoreResult<void> migrate_blocking(Connection& connection, std::span<const char* const> steps) {
  const auto newest = static_cast<std::int64_t>(steps.size());
  RONDEL_TRY(std::int64_t version, version_blocking(connection, newest));
  for (; version < newest; ++version) {
    RONDEL_TRY_VOID(connection.execute_blocking("BEGIN EXCLUSIVE"));
    const std::string step =
        fmt::format("{}; PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT",
                    steps[static_cast<std::size_t>(version)], kApplicationId, version + 1);
    if (auto done = connection.execute_blocking(step.c_str()); !done) {
      StoreError error = std::move(done).error();
      if (connection.is_in_transaction()) {
        static_cast<void>(connection.execute_blocking("ROLLBACK"));
      }
      return base::Unexpected(std::move(error));
    }
  }
  return {};
}

}  // namespace rondel::modules::store_sqlite
