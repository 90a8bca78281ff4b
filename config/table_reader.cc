#include "config/table_reader.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <tuple>
#include <vector>

#include "base/check.h"
#include "config/listen_address.h"
#include "config/suggestion.h"
#include "config/units.h"

namespace rondel::config {
namespace {

constexpr std::string_view kMask = "***";

/// Whether the option allows the number.
bool is_in_range(const OptionSpec& option, std::int64_t number) {
  return number >= option.minimum && number <= option.maximum;
}

/// What is allowed instead of one text of the option, or nothing if the text is fine.
std::string allowed_instead(const OptionSpec& option, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    return "text without NUL";
  }
  if (option.type == OptionType::address_list) {
    return ListenAddress::parse(text) ? "" : "an address with its port such as \"[::]:5222\"";
  }
  if (!option.choices.empty() && std::ranges::find(option.choices, text) == option.choices.end()) {
    std::string choices = allowed_values(option);
    return option.type == OptionType::choice ? choices : choices.substr(choices.find('"'));
  }
  return std::string(option.check != nullptr ? option.check(text) : "");
}

bool is_allowed_here(const OptionSpec& option, std::string_view header) {
  const bool is_in_host = header.starts_with("[host.module.");
  const bool is_in_interface = header.starts_with("[interface.module.");
  return option.places == Places::everywhere || !(is_in_host || is_in_interface) ||
         (is_in_host && option.places == Places::all_and_hosts);
}

}  // namespace

std::string place_name(std::string_view header, std::string_view owner) {
  if (owner.empty()) {
    return std::string(header);
  }
  return header.starts_with("[[") ? fmt::format("{} {}", header, owner)
                                  : fmt::format("{} of {}", header, owner);
}

void TableReader::fail(Position position,
                       std::string what,
                       std::string allowed,
                       std::string suggestion) {
  problems_.push_back(Problem{file_, position.line, position.column, std::move(what),
                              std::move(allowed), std::move(suggestion)});
}

Problems TableReader::take_problems() {
  std::ranges::stable_sort(problems_, {}, [](const Problem& problem) {
    return std::tuple(problem.line, problem.column);
  });
  return std::move(problems_);
}

std::string TableReader::absolute(const std::string& path) const {
  if (folder_.empty() || path.empty() || path.front() == '/') {
    return path;
  }
  return (std::filesystem::path(folder_) / path).lexically_normal().string();
}

void TableReader::report_unknown_keys(const TableRequest& request) {
  std::vector<std::string_view> known;
  for (const OptionSpec& option : request.options) {
    known.push_back(option.name);
  }
  known.insert(known.end(), request.tables.begin(), request.tables.end());
  std::ranges::sort(known);
  for (const Entry& entry : request.table->entries) {
    if (std::ranges::find(known, entry.key) == known.end()) {
      fail(entry.position,
           fmt::format("unknown option {} in {}", toml_string(entry.key),
                       place_name(request.header, request.owner)),
           known.empty() ? "it has no options" : fmt::format("known: {}", fmt::join(known, ", ")),
           nearest(entry.key, known));
    }
  }
}

Section TableReader::read(const TableRequest& request) {
  Section section{request.header, request.owner, {}};
  if (request.table != nullptr) {
    report_unknown_keys(request);
  }
  for (const OptionSpec& option : request.options) {
    if (auto setting = read_option(request, option)) {
      section.settings.push_back(*std::move(setting));
    }
  }
  return section;
}

std::optional<Setting> TableReader::read_option(const TableRequest& request,
                                                const OptionSpec& option) {
  const Entry* entry = request.table == nullptr ? nullptr : request.table->find(option.name);
  Setting setting{std::string(option.name), option.type, option.on_change,
                  option.is_secret,         {},          {}};
  if (entry == nullptr) {
    if (option.is_required) {
      fail(request.table->position,
           fmt::format("{} is missing in {}", option.name,
                       place_name(request.header, request.owner)),
           fmt::format("it must be {}", allowed_values(option)));
    }
    if (option.is_required || request.is_overlay) {
      return std::nullopt;
    }
    setting.value = default_value(option);
    return setting;
  }
  if (!is_allowed_here(option, request.header)) {
    const std::size_t module = request.header.find("module.");
    fail(entry->position,
         fmt::format("{} cannot be set in {}", option.name,
                     place_name(request.header, request.owner)),
         fmt::format("set it in [{}", request.header.substr(module)));
    return std::nullopt;
  }
  auto value = read_value(option, entry->node);
  if (!value) {
    return std::nullopt;
  }
  setting.value = *std::move(value);
  // A module's path starts from the data folder, and is printed as it was written.
  const bool is_core = request.header.find("module.") == std::string::npos;
  if (option.type == OptionType::path && is_core) {
    auto& path = std::get<std::string>(setting.value);
    path = absolute(path);
  }
  setting.origin = {Origin::Kind::file, file_, entry->node.position.line,
                    entry->node.position.column};
  return setting;
}

std::optional<Value> TableReader::read_value(const OptionSpec& option, const Node& node) {
  switch (option.type) {
    case OptionType::boolean:
      if (node.kind == Node::Kind::boolean) {
        return node.boolean;
      }
      break;
    case OptionType::integer:
    case OptionType::byte_size:
    case OptionType::duration:
      return read_number(option, node);
    case OptionType::text:
    case OptionType::choice:
    case OptionType::path:
      if (node.kind == Node::Kind::text) {
        return read_text(option, node);
      }
      break;
    case OptionType::text_list:
    case OptionType::address_list:
      if (node.kind == Node::Kind::list) {
        return read_list(option, node);
      }
      break;
  }
  fail(node.position, fmt::format("{} is {}", option.name, node.kind_name()),
       fmt::format("it must be {}", allowed_values(option)));
  return std::nullopt;
}

std::optional<Value> TableReader::read_number(const OptionSpec& option, const Node& node) {
  std::optional<std::int64_t> number;
  std::string shown(node.kind_name());
  if (node.kind == Node::Kind::integer && option.type != OptionType::duration) {
    number = node.integer;
    shown = fmt::to_string(node.integer);
  } else if (node.kind == Node::Kind::text && option.type != OptionType::integer) {
    number = option.type == OptionType::duration ? parse_duration_ms(node.text)
                                                 : parse_byte_size(node.text);
    shown = toml_string(node.text);
  }
  if (number && is_in_range(option, *number)) {
    return *number;
  }
  fail(node.position, fmt::format("{} is {}", option.name, shown),
       fmt::format("it must be {}", allowed_values(option)));
  return std::nullopt;
}

std::optional<Value> TableReader::read_text(const OptionSpec& option, const Node& node) {
  if (option.is_secret && node.text == kMask) {
    fail(node.position,
         fmt::format("{} is the mask that --print-config writes for a secret", option.name),
         "write the secret itself");
    return std::nullopt;
  }
  // The empty text is how a file says "not set", where that is possible at all.
  const bool may_be_empty =
      option.default_text.empty() && !option.is_required && option.type != OptionType::choice;
  if (node.text.empty() && may_be_empty) {
    return node.text;
  }
  std::string allowed = allowed_instead(option, node.text);
  if (node.text.empty() && option.type == OptionType::path) {
    allowed = allowed_values(option);
  }
  if (!allowed.empty()) {
    const std::string shown = option.is_secret ? std::string(kMask) : toml_string(node.text);
    fail(node.position, fmt::format("{} is {}", option.name, shown),
         fmt::format("it must be {}", allowed), nearest(node.text, option.choices));
    return std::nullopt;
  }
  return node.text;
}

std::optional<Value> TableReader::read_list(const OptionSpec& option, const Node& node) {
  std::vector<std::string> texts;
  const std::size_t problems_before = problems_.size();
  for (const Node& item : node.items) {
    if (item.kind != Node::Kind::text) {
      fail(item.position, fmt::format("{} has {} in its list", option.name, item.kind_name()),
           fmt::format("it must be {}", allowed_values(option)));
      continue;
    }
    const std::string allowed = allowed_instead(option, item.text);
    if (!allowed.empty()) {
      fail(item.position, fmt::format("{} has {} in its list", option.name, toml_string(item.text)),
           fmt::format("each must be {}", allowed), nearest(item.text, option.choices));
    } else if (std::ranges::find(texts, item.text) != texts.end()) {
      fail(item.position, fmt::format("{} has {} twice", option.name, toml_string(item.text)),
           "name it once");
    }
    texts.push_back(item.text);
  }
  if (option.is_required && texts.empty() && node.items.empty()) {
    fail(node.position, fmt::format("{} is empty", option.name),
         fmt::format("it must be {}", allowed_values(option)));
  }
  return problems_.size() == problems_before ? std::optional<Value>(std::move(texts))
                                             : std::nullopt;
}

void TableReader::override_with(Section& section,
                                std::string_view name,
                                std::string_view flag,
                                const Node& node) {
  const auto options = core_options(section.header);
  const auto option = std::ranges::find(options, name, &OptionSpec::name);
  RONDEL_CHECK(option != options.end());
  // The flag is read as if it stood in a file, by a reader that names the command line instead.
  TableReader reader("command line", {});
  auto value = reader.read_value(*option, node);
  for (Problem& problem : reader.problems_) {
    problem.what = fmt::format("{}: {}", flag, problem.what);
    problems_.push_back(std::move(problem));
  }
  // A setting that the file has wrong is not there; its problem has been reported.
  const auto setting = std::ranges::find(section.settings, name, &Setting::name);
  if (value && setting != section.settings.end()) {
    setting->value = *std::move(value);
    setting->origin = {Origin::Kind::command_line, std::string(flag)};
  }
}

void TableReader::apply(Section& section, const Overrides& overrides) {
  const auto text = [this, &section](std::string_view name, std::string_view flag,
                                     const std::optional<std::string>& value) {
    if (value) {
      Node node;
      node.kind = Node::Kind::text;
      node.text = *value;
      override_with(section, name, flag, node);
    }
  };
  if (section.header == "[server]") {
    text("data_dir", "--data-dir", overrides.data_dir);
    if (overrides.threads) {
      Node node;
      node.kind = Node::Kind::integer;
      node.integer = *overrides.threads;
      override_with(section, "threads", "--threads", node);
    }
  } else if (section.header == "[log]") {
    text("destination", "--log", overrides.log_destination);
    text("level", "--log-level", overrides.log_level);
  } else if (section.header == "[modules]") {
    text("directory", "--modules-dir", overrides.modules_directory);
  }
}

Problems check_module_options(const ModuleOptions& module) {
  TableReader reader(fmt::format("module {}", module.module), {});
  if (!is_module_name(module.module)) {
    reader.fail({}, "its name is not a module's name", "small letters, digits and '-'");
  }
  std::vector<std::string_view> names;
  for (const OptionSpec& option : module.options) {
    if (std::ranges::find(names, option.name) != names.end()) {
      reader.fail({}, fmt::format("it declares option {} twice", option.name));
    }
    names.push_back(option.name);
    const Value value = default_value(option);
    bool is_fine = !option.name.empty() && !option.is_required && option.inherits.empty() &&
                   (!option.is_secret || std::holds_alternative<std::string>(value));
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      is_fine = is_fine && is_in_range(option, *number);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      const bool is_unset = text->empty() && option.type != OptionType::choice;
      is_fine = is_fine && (is_unset || allowed_instead(option, *text).empty());
    } else if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
      is_fine = is_fine && std::ranges::all_of(*texts, [&option](const std::string& each) {
                  return allowed_instead(option, each).empty();
                });
    }
    if (!is_fine) {
      reader.fail({}, fmt::format("its option {} is declared wrongly", option.name),
                  fmt::format("the default must be {}; no module's option is required or "
                              "inherited, and a secret is a text",
                              allowed_values(option)));
    }
  }
  return reader.take_problems();
}

}  // namespace rondel::config
