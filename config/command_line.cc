#include "config/command_line.h"

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "config/document.h"
#include "config/suggestion.h"

namespace rondel::config {
namespace {

constexpr std::string_view kFilePrefix = "file:";

struct ActionFlag {
  Action action;
  std::string_view flag;
  std::string_view text;
};

constexpr std::array kActions{
    ActionFlag{Action::check, "--check", "Say whether the configuration is fine, and end"},
    ActionFlag{Action::print_config, "--print-config",
               "Print every value that holds and where it comes from, and end"},
    ActionFlag{Action::print_hooks, "--print-hooks",
               "Print what stands on each of the hook points, and end"},
    ActionFlag{Action::print_config_reference, "--print-config-reference",
               "Print the page on the configuration, and end"},
};

base::Unexpected<Exit> usage_error(std::string_view what) {
  return base::Unexpected(
      Exit{kExitUsage, fmt::format("rondeld: {}; rondeld --help lists the flags\n", what)});
}

/// Decimal only: the library would read "010" as 8.
bool parse_number(std::string_view text, std::optional<std::int64_t>& number) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number.emplace());
  return error == std::errc{} && end == text.data() + text.size();
}

/// From the working folder; the server may leave it later.
void make_absolute(std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (!error && !path.empty()) {
    path = absolute.lexically_normal().string();
  }
}

void make_absolute(Overrides& overrides) {
  for (auto* path : {&overrides.data_dir, &overrides.modules_directory}) {
    if (*path) {
      make_absolute(**path);
    }
  }
  if (auto& log = overrides.log_destination;
      log && log->starts_with(kFilePrefix) && log->size() > kFilePrefix.size()) {
    std::string file = log->substr(kFilePrefix.size());
    make_absolute(file);
    *log = std::string(kFilePrefix) + file;
  }
}

base::Unexpected<Exit> unexpected_argument(const CLI::App& app, const std::string& argument) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  const std::vector<std::string_view> flags(names.begin(), names.end());
  const std::string meant = nearest(argument, flags);
  return usage_error(
      fmt::format("unknown argument \"{}\"{}", argument,
                  meant.empty() ? "" : fmt::format("; did you mean \"{}\"?", meant)));
}

}  // namespace

base::Result<CommandLine, Exit> CommandLine::parse(int count,
                                                   const char* const* arguments,
                                                   std::string_view version) {
  CommandLine line;
  line.config_path = Document::kDefaultPath;
  Overrides& overrides = line.overrides;
  CLI::App app("rondeld: an XMPP server", "rondeld");
  app.allow_extras();
  app.set_version_flag("--version", fmt::format("rondeld {}", version),
                       "Print the version, and end");
  app.add_option("--config", line.config_path, "The configuration file")
      ->type_name("FILE")
      ->capture_default_str();
  app.add_option("--modules-dir", overrides.modules_directory, "The folder of the modules")
      ->type_name("DIR");
  app.add_option("--data-dir", overrides.data_dir, "The folder for what the server writes")
      ->type_name("DIR");
  app.add_option("--log", overrides.log_destination,
                 "Where log lines go: stderr, journal, syslog or file:/path")
      ->type_name("DEST");
  app.add_option("--log-level", overrides.log_level, "error, info or debug")->type_name("LEVEL");
  std::optional<std::string> threads;
  app.add_option("--threads", threads, "Threads that serve; 0 is one for each core")
      ->type_name("N");
  std::array<bool, kActions.size()> is_asked{};
  for (std::size_t i = 0; i < kActions.size(); ++i) {
    app.add_flag(std::string(kActions[i].flag), is_asked[i], std::string(kActions[i].text));
  }
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) {
      return usage_error(error.what());
    }
    std::ostringstream text;
    app.exit(error, text, text);
    return base::Unexpected(Exit{0, text.str()});
  }
  if (const auto extras = app.remaining(); !extras.empty()) {
    return unexpected_argument(app, extras.front());
  }
  if (threads && !parse_number(*threads, overrides.threads)) {
    return usage_error(fmt::format("--threads is \"{}\", and must be a whole number", *threads));
  }
  const ActionFlag* asked = nullptr;
  for (std::size_t i = 0; i < kActions.size(); ++i) {
    if (is_asked[i] && asked != nullptr) {
      return usage_error(
          fmt::format("{} and {} cannot both be done", asked->flag, kActions[i].flag));
    }
    asked = is_asked[i] ? &kActions[i] : asked;
  }
  line.action = asked == nullptr ? Action::serve : asked->action;
  make_absolute(overrides);
  return line;
}

}  // namespace rondel::config
