#include "config/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.h"
#include "config/value.h"

namespace rondel::config {
namespace {

constexpr std::int64_t kNoMaximum = std::numeric_limits<std::int64_t>::max();

std::string range(const OptionSpec& option, std::string (*show)(std::int64_t)) {
  return option.maximum == kNoMaximum
             ? fmt::format("of at least {}", show(option.minimum))
             : fmt::format("from {} to {}", show(option.minimum), show(option.maximum));
}

std::string show_number(std::int64_t number) {
  return fmt::to_string(number);
}

std::string one_of(std::span<const std::string_view> choices) {
  std::string text;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const std::string_view separator = i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ";
    text += fmt::format("{}\"{}\"", separator, choices[i]);
  }
  return text;
}

}  // namespace

std::string allowed_values(const OptionSpec& option) {
  switch (option.type) {
    case OptionType::boolean:
      return "true or false";
    case OptionType::integer:
      return "a whole number " + range(option, show_number);
    case OptionType::byte_size:
      return fmt::format("a number of bytes {}, or text such as \"256KiB\"",
                         range(option, show_number));
    case OptionType::duration:
      return fmt::format("a time such as \"30s\", {}", range(option, duration_text));
    case OptionType::text:
      // A check refuses the empty text, and says what it accepts.
      return std::string(option.check != nullptr ? option.check("") : "text");
    case OptionType::choice:
      return one_of(option.choices);
    case OptionType::path:
      return "a path";
    case OptionType::text_list:
      if (!option.choices.empty()) {
        return "a list, each " + one_of(option.choices);
      }
      return fmt::format("a list, each {}", option.check != nullptr ? option.check("") : "a text");
    case OptionType::address_list:
      return "a list, each an address with its port such as \"[::]:5222\" or \"192.0.2.1:5222\"";
  }
  RONDEL_CHECK(false);
  return {};
}

}  // namespace rondel::config
