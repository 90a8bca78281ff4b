#include "config/bootstrap.h"

#include "config/snapshot_builder.h"

namespace rondel::config {

base::Result<Bootstrap, Problems> bootstrap(const Document& document, const Overrides& overrides) {
  SnapshotBuilder builder(document, overrides, {});
  const Section modules = builder.read_core("modules");
  const Section server = builder.read_core("server");
  if (Problems problems = builder.reader().take_problems(); !problems.empty()) {
    return base::Unexpected(std::move(problems));
  }
  const auto text = [](const Section& section, std::string_view name) {
    return std::get<std::string>(section.find(name)->value);
  };
  return Bootstrap{text(modules, "directory"),
                   std::get<std::vector<std::string>>(modules.find("load")->value),
                   text(server, "control_socket")};
}

}  // namespace rondel::config
