// A value that somebody set, and who it was.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "config/schema.h"

namespace rondel::config {

/// integer, byte_size (bytes) and duration (ms) are numbers; text, choice and path are texts.
using Value = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;

/// Where a value comes from.
struct Origin {
  enum class Kind : std::uint8_t { builtin, inherited, file, command_line };

  Kind kind = Kind::builtin;
  std::string source;  ///< The file, the flag, or the section that it is inherited from.
  int line = 0;
  int column = 0;

  /// "default", "as [tls] records", "/etc/rondel/rondel.toml:3", "command line".
  [[nodiscard]] std::string to_string() const;
};

/// An option with its value.
struct Setting {
  std::string name;
  OptionType type = OptionType::text;
  OnChange on_change = OnChange::restart;
  bool is_secret = false;
  Value value;
  Origin origin;
};

/// A table of the configuration: [server], one [[host]], one [interface.module.NAME]…
struct Section {
  std::string header;  ///< As it is written: "[server]", "[[host]]", "[host.module.ping]".
  std::string owner;   ///< The name of the host or interface that it belongs to; else empty.
  std::vector<Setting> settings;

  /// The setting of that name, or nullptr.
  [[nodiscard]] const Setting* find(std::string_view name) const;
};

/// The value that the schema declares where nobody sets one.
[[nodiscard]] Value default_value(const OptionSpec& option);

/// The value as TOML, on one line: `"text"`, `30`, `["a", "b"]`.
[[nodiscard]] std::string to_toml(const Value& value, OptionType type);

/// The setting's value as TOML; "***" for a secret that is set.
[[nodiscard]] std::string shown_value(const Setting& setting);

/// The text with '?' for control characters: for comments and messages.
[[nodiscard]] std::string printable(std::string text);

/// "30s" from 30,000: the largest unit that loses nothing.
[[nodiscard]] std::string duration_text(std::int64_t duration_ms);

/// The TOML basic string that means `text`, quotes included.
[[nodiscard]] std::string toml_string(std::string_view text);

}  // namespace rondel::config
