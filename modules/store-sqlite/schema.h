// The tables, and how older files become newer ones.
#pragma once

#include <cstdint>
#include <span>

#include "modules/store-sqlite/connection.h"

namespace rondel::modules::store_sqlite {

/// In the file's header ("Rndl"), so that `file` and we know whose it is.
inline constexpr std::int64_t kApplicationId = 0x526e646c;

/// The SQL that makes version n + 1 of the file from version n; the first makes it from nothing.
/// Entries are only ever added.
[[nodiscard]] std::span<const char* const> migrations();

/// Brings an empty or older file to the newest version, each step in a transaction.
///
/// Errors: invalid, if the file belongs to another program or to a newer version of ours; it is
/// not touched then. Unavailable otherwise.
[[nodiscard]] StoreResult<void> migrate_blocking(Connection& connection,
                                                 std::span<const char* const> steps = migrations());

}  // namespace rondel::modules::store_sqlite
