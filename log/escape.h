// Makes text from peers harmless in a log: one line stays one line, and a terminal shows it as it
// is.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace rondel::log {

enum class Newlines : bool { escaped, kept };

/// Copies `text` with control characters (C0, DEL, C1, U+2028, U+2029 and bytes that are no UTF-8)
/// as `\n`, `\t`, `\r` or `\xNN`; returns the bytes written.
///
/// Stops before a character that does not fit. Signal-safe.
std::size_t escape_into(std::span<char> out,
                        std::string_view text,
                        Newlines newlines = Newlines::escaped);
/// The same, appended to a string.
void append_escaped(std::string& out, std::string_view text);
/// True if escape_into() would change nothing.
[[nodiscard]] bool is_harmless(std::string_view text);

}  // namespace rondel::log
