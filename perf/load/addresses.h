// Socket addresses from the command line.
#pragma once

#include <string>
#include <sys/socket.h>
#include <vector>

#include "base/result.h"

namespace rondel::load {

/// "127.0.0.1:5222" or "[::1]:5222". Errors: in words.
[[nodiscard]] base::Result<sockaddr_storage> parse_address(const std::string& text);

/// "127.0.0.2" or "127.0.0.2-127.0.0.20"; for "" one of family AF_UNSPEC. Errors: in words.
[[nodiscard]] base::Result<std::vector<sockaddr_storage>> parse_sources(const std::string& text);

}  // namespace rondel::load
