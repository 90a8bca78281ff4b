#include "config/units.h"

#include <array>
#include <charconv>
#include <fmt/format.h>
#include <limits>
#include <span>

#include "config/value.h"

namespace rondel::config {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// The largest first: that is the order in which duration_text tries them.
constexpr std::array kDurations{Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000},
                                Unit{"s", 1'000}, Unit{"ms", 1}};
constexpr std::array kSizes{Unit{"GiB", 1 << 30}, Unit{"MiB", 1 << 20}, Unit{"KiB", 1 << 10},
                            Unit{"", 1}};

std::optional<std::int64_t> parse(std::string_view text, std::span<const Unit> units) {
  std::int64_t count = 0;
  const char* const text_end = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), text_end, count);
  if (error != std::errc{} || count < 0) {
    return std::nullopt;
  }
  const std::string_view name(end, static_cast<std::size_t>(text_end - end));
  for (const Unit& unit : units) {
    if (unit.name == name) {
      if (count > std::numeric_limits<std::int64_t>::max() / unit.factor) {
        return std::nullopt;
      }
      return count * unit.factor;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_duration_ms(std::string_view text) {
  return parse(text, kDurations);
}

std::optional<std::int64_t> parse_byte_size(std::string_view text) {
  return parse(text, kSizes);
}

std::string duration_text(std::int64_t duration_ms) {
  for (const Unit& unit : kDurations) {
    if (duration_ms != 0 && duration_ms % unit.factor == 0) {
      return fmt::format("{}{}", duration_ms / unit.factor, unit.name);
    }
  }
  return "0s";
}

}  // namespace rondel::config
