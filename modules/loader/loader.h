// Loads the configured modules and puts them into an order in which they can start.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/schema.h"
#include "modules/loader/loaded_module.h"

namespace rondel::modules {

/// Opens `names` from `directory`, in the order of their dependencies; ties keep the order of the
/// configuration.
///
/// Errors: the first module that can't be opened; a dependency that isn't loaded; modules that
/// depend on each other in a circle. Each a sentence with names.
[[nodiscard]] base::Result<std::vector<LoadedModule>> load_modules(
    const std::string& directory, std::span<const std::string> names);

/// The options of all, for the configuration's checks.
[[nodiscard]] std::vector<config::ModuleOptions> options_of(std::span<const LoadedModule> modules);

/// Settles the order alone; indices into `modules`. Split off so that it can be tested without
/// shared objects.
struct ModuleNode {
  std::string_view name;
  std::span<const std::string_view> depends_on;
};
[[nodiscard]] base::Result<std::vector<std::size_t>> start_order(
    std::span<const ModuleNode> modules);

}  // namespace rondel::modules
