#include "modules/loader/loader.h"

#include <algorithm>
#include <fmt/format.h>

namespace rondel::modules {
namespace {

std::size_t index_of(std::span<const ModuleNode> modules, std::string_view name) {
  return static_cast<std::size_t>(
      std::find_if(modules.begin(), modules.end(), [&](const auto& m) { return m.name == name; }) -
      modules.begin());
}

}  // namespace

base::Result<std::vector<std::size_t>> start_order(std::span<const ModuleNode> modules) {
  for (const ModuleNode& module : modules) {
    for (const std::string_view needed : module.depends_on) {
      if (index_of(modules, needed) == modules.size()) {
        return base::Unexpected(base::Error(fmt::format(
            "module \"{}\" needs module \"{}\": add it to [modules] load", module.name, needed)));
      }
    }
  }
  std::vector<std::size_t> order;
  std::vector<bool> is_placed(modules.size(), false);
  while (order.size() < modules.size()) {
    const std::size_t before = order.size();
    for (std::size_t i = 0; i < modules.size() && order.size() == before; ++i) {
      const auto is_ready = [&](std::string_view needed) {
        return static_cast<bool>(is_placed[index_of(modules, needed)]);
      };
      if (!is_placed[i] &&
          std::all_of(modules[i].depends_on.begin(), modules[i].depends_on.end(), is_ready)) {
        is_placed[i] = true;
        order.push_back(i);
      }
    }
    if (order.size() == before) {
      std::string circle;
      for (std::size_t i = 0; i < modules.size(); ++i) {
        if (!is_placed[i]) {
          circle += fmt::format("{}\"{}\"", circle.empty() ? "" : ", ", modules[i].name);
        }
      }
      return base::Unexpected(
          base::Error(fmt::format("modules depend on each other in a circle: {}", circle)));
    }
  }
  return order;
}

base::Result<std::vector<LoadedModule>> load_modules(const std::string& directory,
                                                     std::span<const std::string> names) {
  std::vector<LoadedModule> opened;
  std::vector<ModuleNode> nodes;
  for (const std::string& name : names) {
    RONDEL_TRY(LoadedModule module, LoadedModule::open(directory, name));
    nodes.push_back({module.info().name, module.info().depends_on});
    opened.push_back(std::move(module));
  }
  RONDEL_TRY(const std::vector<std::size_t> order, start_order(nodes));
  std::vector<LoadedModule> result;
  for (const std::size_t index : order) {
    result.push_back(std::move(opened[index]));
  }
  return result;
}

std::vector<config::ModuleOptions> options_of(std::span<const LoadedModule> modules) {
  std::vector<config::ModuleOptions> result;
  for (const LoadedModule& module : modules) {
    result.push_back({module.info().name, module.info().options, module.info().description});
  }
  return result;
}

}  // namespace rondel::modules
