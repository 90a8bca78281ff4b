// Turns one table of the file into settings, by its schema.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/overrides.h"
#include "config/problem.h"
#include "config/schema.h"
#include "config/tree.h"
#include "config/value.h"

namespace rondel::config {

/// A table to read.
struct TableRequest {
  const Node* table = nullptr;  ///< Null where the file has no such table.
  std::string header;           ///< "[server]".
  std::string owner;            ///< The host or interface; may be empty.
  std::span<const OptionSpec> options;
  std::span<const std::string_view> tables{};  ///< Keys that hold tables, read by the caller.
  bool is_overlay = false;  ///< Only what is written counts; defaults stand elsewhere.
};

/// Reads tables, and collects what is wrong with them.
class TableReader {
 public:
  /// Relative paths start from `folder`; where it is empty they stay as they are.
  TableReader(std::string file, std::string folder)
      : file_(std::move(file)), folder_(std::move(folder)) {}

  /// The settings in the order of the schema; one that is wrong or missing is left out, so that
  /// later checks do not complain about it a second time.
  [[nodiscard]] Section read(const TableRequest& request);

  /// Puts the values of flags over those of the section.
  void apply(Section& section, const Overrides& overrides);

  void fail(Position position,
            std::string what,
            std::string allowed = {},
            std::string suggestion = {});

  [[nodiscard]] Problems& problems() { return problems_; }
  /// The problems in the order of the file.
  [[nodiscard]] Problems take_problems();

 private:
  void report_unknown_keys(const TableRequest& request);
  [[nodiscard]] std::optional<Setting> read_option(const TableRequest& request,
                                                   const OptionSpec& option);
  [[nodiscard]] std::optional<Value> read_value(const OptionSpec& option, const Node& node);
  [[nodiscard]] std::optional<Value> read_number(const OptionSpec& option, const Node& node);
  [[nodiscard]] std::optional<Value> read_text(const OptionSpec& option, const Node& node);
  [[nodiscard]] std::optional<Value> read_list(const OptionSpec& option, const Node& node);
  void override_with(Section& section,
                     std::string_view name,
                     std::string_view flag,
                     const Node& node);
  [[nodiscard]] std::string absolute(const std::string& path) const;

  std::string file_;
  std::string folder_;
  Problems problems_;
};

/// A table's description in messages: "[server]", "[[interface]] clients".
[[nodiscard]] std::string place_name(std::string_view header, std::string_view owner);

/// Mistakes in a module's own table: defaults that its options do not allow, names twice.
[[nodiscard]] Problems check_module_options(const ModuleOptions& module);

}  // namespace rondel::config
