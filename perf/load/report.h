// The result of a run as JSON; README.md has the schema.
#pragma once

#include <string>

#include "perf/load/run.h"

namespace rondel::load {

/// The result, indented, with a line feed at its end.
[[nodiscard]] std::string report_json(Run& run, const Options& options);

/// A few lines for people.
[[nodiscard]] std::string report_text(const std::string& json);

}  // namespace rondel::load
