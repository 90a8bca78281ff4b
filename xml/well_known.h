// Namespaces that nearly every stanza names: kept once for all trees.
#pragma once

#include <string_view>

#include "xml/arena.h"

namespace rondel::xml {

/// The static twin of a well-known namespace, or an empty view (the empty namespace is its own).
[[nodiscard]] std::string_view well_known_namespace(std::string_view ns);

/// Whether the view is one that well_known_namespace() gave out, so that no copy is needed.
[[nodiscard]] bool is_well_known(std::string_view ns);

/// The namespace in memory that lives at least as long as the arena.
[[nodiscard]] std::string_view keep_namespace(Arena& arena, std::string_view ns);

}  // namespace rondel::xml
