#include "config/reference.h"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

#include "config/value.h"

namespace rondel::config {
namespace {

constexpr std::string_view kIntroduction = R"(# Configuration

This page is generated from the schema that checks the file (`rondeld --print-config-reference`);
do not edit it.

The file is TOML, by default `/etc/rondel/rondel.toml`. `rondeld --check` says everything that is
wrong with it at once; `rondeld --print-config` shows every value that holds and where it comes
from. The command line stands over the file, the file over the defaults:

| flag | option |
|---|---|
| `--config FILE` | the file itself |
| `--data-dir DIR` | `[server] data_dir` |
| `--threads N` | `[server] threads` |
| `--log DEST` | `[log] destination` |
| `--log-level LEVEL` | `[log] level` |
| `--modules-dir DIR` | `[modules] directory` |

A relative path in a core section starts from the folder of the file, in a module's section from
`data_dir`, on the command line from the working folder. Times are texts such as `"500ms"`, `"30s"`,
`"5m"`, `"12h"`, `"7d"`; sizes are bytes, or texts such as `"256KiB"`, `"2MiB"`. *Changed by* says
what a new value takes to hold: a reload (`rondelctl reload`, or SIGHUP) or a restart.
)";

constexpr std::string_view kModulesIntroduction = R"(
## Modules

A module's options stand in `[module.NAME]` for everyone, in `[host.module.NAME]` for the
`[[host]]` above it, in `[interface.module.NAME]` for the `[[interface]]` above it. The nearest
wins: interface over host over all.
)";

/// A cell of a table must not end early.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char character : text) {
    escaped += character == '|' ? "\\|" : std::string(1, character == '\n' ? ' ' : character);
  }
  return escaped;
}

std::string default_cell(const OptionSpec& option) {
  if (option.is_required) {
    return "required";
  }
  if (!option.inherits.empty()) {
    return fmt::format("as `{}`", option.inherits);
  }
  const Value value = default_value(option);
  const auto* text = std::get_if<std::string>(&value);
  if (text != nullptr && text->empty()) {
    return "not set";
  }
  return fmt::format("`{}`", cell(to_toml(value, option.type)));
}

std::string places_text(Places places) {
  switch (places) {
    case Places::everywhere:
      return "";
    case Places::all_only:
      return " In `[module.NAME]` only.";
    case Places::all_and_hosts:
      return " Not in `[interface.module.NAME]`.";
  }
  return "";
}

std::string table(std::span<const OptionSpec> options) {
  std::string text =
      "\n| option | meaning | allowed | default | changed by |\n|---|---|---|---|---|\n";
  for (const OptionSpec& option : options) {
    const std::string allowed =
        allowed_values(option) + (option.unit.empty() ? "" : fmt::format(" ({})", option.unit));
    text += fmt::format("| `{}` | {}{}{} | {} | {} | {} |\n", option.name, cell(option.doc),
                        places_text(option.places),
                        option.is_secret ? " Secret: printed as `***`." : "", cell(allowed),
                        default_cell(option),
                        option.on_change == OnChange::reload ? "reload" : "restart");
  }
  return text;
}

}  // namespace

std::string configuration_reference(std::span<const ModuleOptions> modules) {
  std::string page(kIntroduction);
  for (const SectionSpec& section : core_sections()) {
    page += fmt::format("\n## {}\n\n{}\n{}", section.header, section.doc, table(section.options));
  }
  page += "\n";
  page += kModulesMarker;
  page += kModulesIntroduction;
  std::vector<ModuleOptions> sorted(modules.begin(), modules.end());
  std::ranges::sort(sorted, {}, &ModuleOptions::module);
  for (const ModuleOptions& module : sorted) {
    page += fmt::format("\n### {}\n", module.module);
    if (!module.doc.empty()) {
      page += fmt::format("\n{}\n", module.doc);
    }
    page += module.options.empty() ? "\nIt has no options.\n" : table(module.options);
  }
  return page;
}

}  // namespace rondel::config
