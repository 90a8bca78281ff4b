// How times, enumerations and sizes stand in the columns of storages that speak SQL.
#pragma once

#include <cstdint>

#include "store/account.h"
#include "store/roster.h"
#include "store/store_result.h"
#include "store/timestamp.h"

namespace rondel::store {

// The numbers are fixed, for they stand in databases; the enumerations may change.

/// Milliseconds since 1970.
[[nodiscard]] std::int64_t number_of(Timestamp time);
[[nodiscard]] Timestamp time_of(std::int64_t number);

[[nodiscard]] std::int64_t number_of(AccountState state);
[[nodiscard]] AccountState state_of(std::int64_t number);

[[nodiscard]] std::int64_t number_of(ScramHash hash);
/// Errors: unavailable, for a number of a later server.
[[nodiscard]] StoreResult<ScramHash> hash_of(std::int64_t number);

/// Errors: unavailable, for a number of a later server.
[[nodiscard]] StoreResult<BindingKind> kind_of(std::int64_t number);

[[nodiscard]] std::int64_t number_of(Subscription subscription);
[[nodiscard]] Subscription subscription_of(std::int64_t number);

/// Versions use all 64 bits; columns have a sign.
[[nodiscard]] std::int64_t signed_of(std::uint64_t value);
[[nodiscard]] std::uint64_t unsigned_of(std::int64_t value);

/// A count as a column can hold it; what is more means "all of them" wherever it can come from.
[[nodiscard]] std::int64_t bounded(std::uint64_t value);

}  // namespace rondel::store
