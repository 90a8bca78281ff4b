// What the command line says over the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace rondel::config {

/// Values of flags; each stands over the option of the file. Checked by the schema, as the file is.
struct Overrides {
  std::optional<std::string> modules_directory{};  ///< --modules-dir, [modules] directory.
  std::optional<std::string> data_dir{};           ///< --data-dir, [server] data_dir.
  std::optional<std::string> log_destination{};    ///< --log, [log] destination.
  std::optional<std::string> log_level{};          ///< --log-level, [log] level.
  std::optional<std::int64_t> threads{};           ///< --threads, [server] threads.
};

}  // namespace rondel::config
