// The flags of rondeld.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/overrides.h"

namespace rondel::config {

inline constexpr int kExitUsage = 2;           ///< The command line is wrong.
inline constexpr int kExitConfiguration = 78;  ///< EX_CONFIG: the file is wrong.

/// What rondeld is asked to do.
enum class Action : std::uint8_t {
  serve,
  check,                   ///< --check: say whether the configuration is fine.
  print_config,            ///< --print-config: the effective values, with their origins.
  print_config_reference,  ///< --print-config-reference: docs/configuration.md.
  print_hooks,             ///< --print-hooks: what stands on the hook points.
};

/// The end of a program that has said what it had to say.
struct Exit {
  int code = 0;      ///< 0: the text is for standard output; else for standard error.
  std::string text;  ///< Ends with a line feed.
};

struct CommandLine {
  Action action = Action::serve;
  std::string config_path;  ///< Document::kDefaultPath unless --config says otherwise.
  Overrides overrides;      ///< Folders are absolute: from the working folder.

  /// Errors: help and version (code 0), or what is wrong with the flags (kExitUsage).
  [[nodiscard]] static base::Result<CommandLine, Exit> parse(int count,
                                                             const char* const* arguments,
                                                             std::string_view version);
};

}  // namespace rondel::config
