// What is kept of an account's last moments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rondel::modules::last_activity {

/// When an account was last seen, and what it said then.
struct Record {
  std::int64_t unix_ms = 0;
  std::string status;  ///< Of the last unavailable presence; may be empty.

  friend bool operator==(const Record&, const Record&) = default;
};

/// As it stands in the storage: milliseconds, a line feed, the status.
[[nodiscard]] std::string to_text(const Record& record);
[[nodiscard]] std::optional<Record> parse_record(std::string_view text);
/// Whole seconds between the record and `now_ms`; 0 if the clock was set back.
[[nodiscard]] std::int64_t seconds_since(const Record& record, std::int64_t now_ms);

}  // namespace rondel::modules::last_activity
