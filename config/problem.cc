#include "config/problem.h"

#include <fmt/format.h>

namespace rondel::config {

std::string Problem::to_string() const {
  std::string text = file;
  if (line > 0) {
    text += fmt::format(":{}:{}", line, column);
  }
  text += ": " + what;
  if (!allowed.empty()) {
    text += "; " + allowed;
  }
  if (!suggestion.empty()) {
    text += fmt::format("; did you mean \"{}\"?", suggestion);
  }
  return text;
}

std::string to_string(std::span<const Problem> problems) {
  std::string text;
  for (const Problem& problem : problems) {
    text += problem.to_string() + "\n";
  }
  return text;
}

}  // namespace rondel::config
