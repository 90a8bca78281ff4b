#include "modules/store-postgresql/schema.h"

#include <array>
#include <fmt/format.h>

namespace rondel::modules::store_postgresql {
namespace {

using store::fail;
using store::Failure;

// Times are milliseconds since 1970, UTC. Text is compared by bytes (COLLATE "C"), as JIDs are.
// Rosters and offline stanzas don't refer to accounts: those may live in another storage.
// A "digest" is the SHA-256 of what would be too long for an index: entries have at most 2704
// bytes, and host and local part may take 2046 of them.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE account (
  host text COLLATE "C" NOT NULL,
  local text COLLATE "C" NOT NULL,
  state smallint NOT NULL,
  created bigint NOT NULL,
  password_changed bigint NOT NULL,
  PRIMARY KEY (host, local)
);

CREATE TABLE scram_credential (
  host text COLLATE "C" NOT NULL,
  local text COLLATE "C" NOT NULL,
  hash smallint NOT NULL,
  iterations bigint NOT NULL,
  salt bytea NOT NULL,
  stored_key bytea NOT NULL,
  server_key bytea NOT NULL,
  PRIMARY KEY (host, local, hash),
  FOREIGN KEY (host, local) REFERENCES account ON DELETE CASCADE
);

CREATE TABLE binding (
  host text COLLATE "C" NOT NULL,
  kind smallint NOT NULL,
  value text COLLATE "C" NOT NULL,
  local text COLLATE "C" NOT NULL,
  PRIMARY KEY (host, kind, value),
  FOREIGN KEY (host, local) REFERENCES account ON DELETE CASCADE
);
CREATE INDEX binding_by_user ON binding (host, local);

CREATE TABLE roster (
  host text COLLATE "C" NOT NULL,
  local text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  complete_since bigint NOT NULL,
  PRIMARY KEY (host, local)
);

CREATE TABLE roster_item (
  host text COLLATE "C" NOT NULL,
  local text COLLATE "C" NOT NULL,
  digest bytea NOT NULL,
  jid text COLLATE "C" NOT NULL,
  name text NOT NULL,
  groups text[] NOT NULL,
  subscription smallint NOT NULL,
  is_asked boolean NOT NULL,
  is_approved boolean NOT NULL,
  is_listed boolean NOT NULL,
  pending_in text NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (host, local, digest),
  FOREIGN KEY (host, local) REFERENCES roster ON DELETE CASCADE
);

CREATE TABLE roster_removal (
  host text COLLATE "C" NOT NULL,
  local text COLLATE "C" NOT NULL,
  digest bytea NOT NULL,
  jid text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (host, local, digest),
  FOREIGN KEY (host, local) REFERENCES roster ON DELETE CASCADE
);

CREATE TABLE offline_stanza (
  host text COLLATE "C" NOT NULL,
  local text COLLATE "C" NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  stamp bigint NOT NULL,
  stanza text NOT NULL,
  PRIMARY KEY (host, local, id)
);

CREATE TABLE key_value (
  host text COLLATE "C" NOT NULL,
  local text COLLATE "C" NOT NULL,
  digest bytea NOT NULL,
  space text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  value bytea NOT NULL,
  PRIMARY KEY (host, local, digest)
);
)sql";

constexpr std::array<const char*, 1> kMigrations{kVersion1};

// Any number that no other program is likely to take ("Rndl").
constexpr std::int64_t kLock = 0x526e646c;

StoreResult<void> migrate_in_transaction(Connection& connection,
                                         const std::string& schema,
                                         std::span<const char* const> steps) {
  RONDEL_TRY_VOID(connection.execute_blocking(
      fmt::format("BEGIN; SELECT pg_advisory_xact_lock({}); CREATE SCHEMA IF NOT EXISTS {}", kLock,
                  connection.quoted(schema))));
  // In the text form that a plain query gives, a number is its digits.
  RONDEL_TRY(const Rows tables,
             connection.execute_blocking(
                 "SELECT count(*)::text, count(*) FILTER (WHERE relname = 'schema_version')::text"
                 " FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
                 " WHERE relkind = 'r' AND nspname = current_schema()"));
  const bool is_empty = tables.bytes(0, 0) == "0";
  std::size_t version = 0;
  if (is_empty) {
    RONDEL_TRY_VOID(
        connection.execute_blocking("CREATE TABLE schema_version (version integer NOT NULL);"
                                    "INSERT INTO schema_version VALUES (0)"));
  } else if (tables.bytes(0, 1) == "0") {
    return fail(Failure::invalid,
                fmt::format("the schema {} of PostgreSQL belongs to another program; give another"
                            " schema or database",
                            schema));
  } else {
    RONDEL_TRY(const Rows found,
               connection.execute_blocking("SELECT version::text FROM schema_version"));
    version = found.size() == 1 ? std::stoul(found.bytes(0, 0)) : steps.size() + 1;
  }
  if (version > steps.size()) {
    return fail(Failure::invalid,
                fmt::format("the schema {} of PostgreSQL has version {}, and this server knows"
                            " versions up to {}; install the newer server again",
                            schema, version, steps.size()));
  }
  for (std::size_t next = version; next < steps.size(); ++next) {
    RONDEL_TRY_VOID(connection.execute_blocking(steps[next]));
  }
  if (version < steps.size()) {
    RONDEL_TRY_VOID(connection.execute_blocking(
        fmt::format("UPDATE schema_version SET version = {}", steps.size())));
  }
  return {};
}

}  // namespace

std::span<const char* const> migrations() {
  return kMigrations;
}

StoreResult<void> migrate_blocking(Connection& connection,
                                   const std::string& schema,
                                   std::span<const char* const> steps) {
  auto migrated = migrate_in_transaction(connection, schema, steps);
  if (!migrated) {
    static_cast<void>(connection.execute_blocking("ROLLBACK"));
    return migrated;
  }
  RONDEL_TRY_VOID(connection.execute_blocking("COMMIT"));
  return {};
}

}  // namespace rondel::modules::store_postgresql
