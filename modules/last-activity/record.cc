#include "modules/last-activity/record.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace rondel::modules::last_activity {

std::string to_text(const Record& record) {
  return std::to_string(record.unix_ms) + "\n" + record.status;
}

std::optional<Record> parse_record(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  Record record;
  const auto parsed = std::from_chars(text.data(), text.data() + end, record.unix_ms);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + end) {
    return std::nullopt;
  }
  record.status = text.substr(end + 1);
  return record;
}

std::int64_t seconds_since(const Record& record, std::int64_t now_ms) {
  return std::max<std::int64_t>(now_ms - record.unix_ms, 0) / 1000;
}

}  // namespace rondel::modules::last_activity
