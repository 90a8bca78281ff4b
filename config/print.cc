#include "config/print.h"

#include <algorithm>
#include <fmt/format.h>

namespace rondel::config {
namespace {

/// A path may hold what would end a comment.
std::string comment(const Origin& origin) {
  std::string text = origin.to_string();
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

}  // namespace

std::string print_config(const Snapshot& snapshot) {
  std::string text;
  for (const Section& section : snapshot.sections()) {
    if (section.settings.empty()) {
      continue;
    }
    text += fmt::format("{}{}\n", text.empty() ? "" : "\n", section.header);
    for (const Setting& setting : section.settings) {
      text += fmt::format("{} = {}  # {}\n", setting.name,
                          setting.is_secret ? "\"***\"" : to_toml(setting.value, setting.type),
                          comment(setting.origin));
    }
  }
  return text;
}

}  // namespace rondel::config
