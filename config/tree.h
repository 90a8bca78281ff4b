// A TOML tree with positions, without the library that read it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rondel::config {

struct Entry;

/// A place in a file; both from 1, in lines and characters.
struct Position {
  int line = 0;
  int column = 0;
};

/// A value, a list or a table.
struct Node {
  enum class Kind : std::uint8_t { boolean, integer, real, text, date, list, table };

  Kind kind = Kind::table;
  Position position;
  bool boolean = false;
  std::int64_t integer = 0;
  std::string text;
  std::vector<Node> items;     ///< Of a list.
  std::vector<Entry> entries;  ///< Of a table, in the order of the file.

  /// The entry of a table, or nullptr.
  [[nodiscard]] const Entry* find(std::string_view key) const;
  /// "text", "a whole number", "a table": for messages.
  [[nodiscard]] std::string_view kind_name() const;
};

/// A key of a table with its value.
struct Entry {
  std::string key;
  Position position;
  Node node;
};

}  // namespace rondel::config
