// Times and sizes as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace rondel::config {

/// "500ms", "30s", "5m", "12h", "7d" in milliseconds; nothing for anything else.
[[nodiscard]] std::optional<std::int64_t> parse_duration_ms(std::string_view text);

/// "512", "256KiB", "2MiB", "1GiB" in bytes; nothing for anything else.
[[nodiscard]] std::optional<std::int64_t> parse_byte_size(std::string_view text);

}  // namespace rondel::config
