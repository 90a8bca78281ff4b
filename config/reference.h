// docs/configuration.md, from the schema.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/schema.h"

namespace rondel::config {

/// The line of the page above which only the core's sections stand, below which modules follow.
inline constexpr std::string_view kModulesMarker = "<!-- modules -->\n";

/// The page: the core's sections, the marker, then one section for each module, by name.
[[nodiscard]] std::string configuration_reference(std::span<const ModuleOptions> modules);

}  // namespace rondel::config
