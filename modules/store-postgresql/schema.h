// The tables, and how older databases become newer ones.
#pragma once

#include <span>
#include <string>

#include "modules/store-postgresql/connection.h"

namespace rondel::modules::store_postgresql {

/// The SQL that makes version n + 1 from version n; the first makes it from nothing.
/// Entries are only ever added.
[[nodiscard]] std::span<const char* const> migrations();

/// Makes the schema, or brings an older one to the newest version, in one transaction under a lock:
/// of several servers that start, one does it.
///
/// Errors: invalid, if the schema holds tables of another program or of a newer server; it is not
/// touched then. Unavailable otherwise.
[[nodiscard]] StoreResult<void> migrate_blocking(Connection& connection,
                                                 const std::string& schema,
                                                 std::span<const char* const> steps = migrations());

}  // namespace rondel::modules::store_postgresql
