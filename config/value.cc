#include "config/value.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/check.h"

namespace rondel::config {

std::string Origin::to_string() const {
  switch (kind) {
    case Kind::builtin:
      return "default";
    case Kind::inherited:
      return "as " + source;
    case Kind::file:
      return fmt::format("{}:{}", source, line);
    case Kind::command_line:
      return "command line, " + source;
  }
  RONDEL_CHECK(false);
  return {};
}

const Setting* Section::find(std::string_view name) const {
  for (const Setting& setting : settings) {
    if (setting.name == name) {
      return &setting;
    }
  }
  return nullptr;
}

Value default_value(const OptionSpec& option) {
  switch (option.type) {
    case OptionType::boolean:
      return option.default_boolean;
    case OptionType::integer:
    case OptionType::byte_size:
    case OptionType::duration:
      return option.default_integer;
    case OptionType::text:
    case OptionType::choice:
    case OptionType::path:
      return std::string(option.default_text);
    case OptionType::text_list:
    case OptionType::address_list:
      return std::vector<std::string>(option.default_texts.begin(), option.default_texts.end());
  }
  RONDEL_CHECK(false);
  return {};
}

std::string toml_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char character : text) {
    switch (character) {
      case '"':
        quoted += "\\\"";
        break;
      case '\\':
        quoted += "\\\\";
        break;
      case '\n':
        quoted += "\\n";
        break;
      case '\t':
        quoted += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(character) < 0x20 || character == 0x7f) {
          quoted += fmt::format("\\u{:04X}", static_cast<unsigned char>(character));
        } else {
          quoted += character;
        }
    }
  }
  return quoted + '"';
}

std::string printable(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

std::string shown_value(const Setting& setting) {
  const auto* text = std::get_if<std::string>(&setting.value);
  const bool is_masked = setting.is_secret && text != nullptr && !text->empty();
  return is_masked ? "\"***\"" : to_toml(setting.value, setting.type);
}

std::string to_toml(const Value& value, OptionType type) {
  if (const auto* boolean = std::get_if<bool>(&value)) {
    return *boolean ? "true" : "false";
  }
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    return type == OptionType::duration ? toml_string(duration_text(*integer))
                                        : fmt::to_string(*integer);
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    return toml_string(*text);
  }
  std::string list = "[";
  for (const std::string& text : std::get<std::vector<std::string>>(value)) {
    list += (list.size() > 1 ? ", " : "") + toml_string(text);
  }
  return list + "]";
}

}  // namespace rondel::config
