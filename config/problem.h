// What is wrong with a configuration, for the person who wrote it.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace rondel::config {

/// One mistake. All mistakes of a file are found before any is reported.
struct Problem {
  std::string file;  ///< Or "command line".
  int line = 0;      ///< From 1; 0 where there is none.
  int column = 0;    ///< From 1, in characters.
  std::string what;
  std::string allowed;     ///< What would be right; may be empty.
  std::string suggestion;  ///< What was perhaps meant; may be empty.

  /// `file:line:column: what; allowed; did you mean "suggestion"?`
  [[nodiscard]] std::string to_string() const;
};

using Problems = std::vector<Problem>;

/// One line each, in the order of the file.
[[nodiscard]] std::string to_string(std::span<const Problem> problems);

}  // namespace rondel::config
