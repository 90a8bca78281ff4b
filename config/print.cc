#include "config/print.h"

#include <fmt/format.h>

namespace rondel::config {

std::string print_config(const Snapshot& snapshot) {
  std::string text;
  for (const Section& section : snapshot.sections()) {
    if (section.settings.empty()) {
      continue;
    }
    text += fmt::format("{}{}\n", text.empty() ? "" : "\n", section.header);
    for (const Setting& setting : section.settings) {
      text += fmt::format("{} = {}  # {}\n", setting.name, shown_value(setting),
                          printable(setting.origin.to_string()));
    }
  }
  return text;
}

}  // namespace rondel::config
