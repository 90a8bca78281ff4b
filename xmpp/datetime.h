// Dates and times as XMPP writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rondel::xmpp {

/// "2026-11-22T09:00:00Z" of milliseconds since the epoch; with ".sss" unless they are zero.
/// Source: XEP-0082 §3.2. Units: milliseconds, UTC. Limits: years 0000 to 9999, clamped.
[[nodiscard]] std::string format_datetime(std::int64_t unix_ms);

/// The moment that a DateTime names, in milliseconds; more digits of a second are cut off. Strict:
/// every field in its range (a leap second is none), the zone is there, nothing else is.
[[nodiscard]] std::optional<std::int64_t> parse_datetime(std::string_view text);

}  // namespace rondel::xmpp
