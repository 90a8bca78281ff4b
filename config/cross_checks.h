// What no option can be blamed for alone.
#pragma once

#include <span>
#include <string_view>

#include "config/snapshot_builder.h"
#include "config/table_reader.h"

namespace rondel::config {

/// Reports what does not fit together: names, certificates, plain text, sockets.
void cross_check(const Section& server,
                 const Section& modules,
                 std::span<const Entity> hosts,
                 std::span<const Entity> interfaces,
                 TableReader& reader);

/// Whether two names are the same host; only ASCII letters are folded, the server prepares the
/// rest.
[[nodiscard]] bool is_same_host(std::string_view left, std::string_view right);

}  // namespace rondel::config
