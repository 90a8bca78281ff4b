// The check of text that no XML parser has checked: SASL messages, CDATA sections, what is logged.
#pragma once

#include <cstddef>
#include <string_view>

namespace rondel::base {

/// Bytes of the well-formed UTF-8 sequence that begins at `at`, which must be below the size of
/// `text`; 0 if there is none: overlong forms, surrogates, what lies beyond U+10FFFF, and sequences
/// that the text ends in. Source: RFC 3629 §4.
[[nodiscard]] std::size_t utf8_sequence_bytes(std::string_view text, std::size_t at);

/// True for text of well-formed sequences only, and for none.
[[nodiscard]] bool is_valid_utf8(std::string_view text);

}  // namespace rondel::base
