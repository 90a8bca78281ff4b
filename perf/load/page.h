// One self-contained HTML page of one or several results.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace rondel::load {

/// Results of the same scenario stand side by side; each scenario has a section.
///
/// Errors: a text that is no result, in words.
[[nodiscard]] base::Result<std::string> make_page(const std::vector<std::string>& results);

}  // namespace rondel::load
