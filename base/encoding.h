// Base64 (strict), hexadecimal, and comparison in constant time.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rondel::base {

[[nodiscard]] std::string base64_encode(std::string_view bytes);
/// Refuses everything that RFC 4648 §4 does not produce: white space, wrong padding, stray bits.
/// Source: RFC 6120 §13.9.1 (strict base64).
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);
[[nodiscard]] std::string base64url_encode(std::string_view bytes);  ///< RFC 4648 §5, no padding.
[[nodiscard]] std::string hex_encode(std::string_view bytes);        ///< Lower case.
[[nodiscard]] std::optional<std::string> hex_decode(std::string_view text);

/// True if equal; the time depends on the lengths only. For every comparison of secrets.
[[nodiscard]] bool equal_constant_time(std::string_view a, std::string_view b);
/// Overwrites in a way that the compiler may not leave out.
void wipe(std::span<std::byte> secret);
void wipe(std::string& secret);

}  // namespace rondel::base
