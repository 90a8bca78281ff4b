// From a command line to a server that could start: configuration, modules, registrations,
// interfaces.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/command_line.h"
#include "config/snapshot.h"
#include "log/hub.h"
#include "modules/loader/loader.h"
#include "server/core.h"

namespace rondel::server {

/// Why the start ends, and with which exit code.
struct StartFailure {
  int exit_code;
  std::string text;
};
inline constexpr int kExitUnavailable = 69;  ///< EX_UNAVAILABLE: a storage can't be opened.
inline constexpr int kExitSystem = 71;       ///< EX_OSERR: the kernel refuses something.

/// Reads the configuration with the options of every module in it.
///
/// Errors: all problems as text.
[[nodiscard]] base::Result<std::shared_ptr<const config::Snapshot>, std::string> read_snapshot(
    const config::CommandLine& command_line, std::span<const modules::LoadedModule> modules);

/// Everything but threads and sockets; `--check`, `--print-config` and `--print-hooks` stop here.
///
/// Owner: main. Members are destroyed from the last to the first: what modules made goes before
/// their code.
struct Assembly {
  [[nodiscard]] static base::Result<std::unique_ptr<Assembly>, StartFailure> make(
      const config::CommandLine& command_line);

  config::CommandLine command_line;
  std::vector<modules::LoadedModule> modules;
  log::Hub hub;
  std::unique_ptr<log::Channel> log;
  Core core;

 private:
  base::Result<void, StartFailure> load_modules();
  base::Result<void, StartFailure> make_interfaces();
  base::Result<void, StartFailure> choose_storages();
};

}  // namespace rondel::server
