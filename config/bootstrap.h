// What has to be known of a configuration before modules, and so their options, are known.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/document.h"
#include "config/overrides.h"
#include "config/problem.h"

namespace rondel::config {

/// The first of two steps: which modules to load, and from where.
struct Bootstrap {
  std::string modules_directory;
  std::vector<std::string> modules;  ///< In the order of the file.
  std::string control_socket;        ///< All that rondelctl needs.
};

/// Reads [modules] and [server] only; whatever else the document says is left to Snapshot::create.
///
/// Errors: every problem of these two sections.
[[nodiscard]] base::Result<Bootstrap, Problems> bootstrap(const Document& document,
                                                          const Overrides& overrides);

}  // namespace rondel::config
