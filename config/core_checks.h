// Checks of the core's text options. Each says what is allowed, or nothing if the text is fine.
#pragma once

#include <string_view>

namespace rondel::config {

[[nodiscard]] std::string_view check_log_destination(std::string_view text);
[[nodiscard]] std::string_view check_module_name(std::string_view text);
[[nodiscard]] std::string_view check_interface_name(std::string_view text);
/// Loose on purpose: the server prepares the name by IDNA; here only what no domain can hold.
[[nodiscard]] std::string_view check_host_name(std::string_view text);
[[nodiscard]] std::string_view check_uri(std::string_view text);

}  // namespace rondel::config
