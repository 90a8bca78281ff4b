// Values in a stanza's bytes that mean themselves, whatever markup stands around them.
#pragma once

#include <cstdint>

namespace rondel::xml {

/// What a value stands in, which decides where it ends.
enum class ValueKind : std::uint8_t { in_apostrophes, in_quotes, text };

/// Where a plain value stands: an attribute's, or a text.
struct PlainValue {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool is_verbatim = false;  ///< It is what the writer would write: nothing to resolve or escape.
};

/// Finds the end of the value that begins at `value.begin` of `size` bytes; what ends it, the quote
/// or a '<', stands there.
///
/// A value is *plain* if XML 1.0 allows every character of it at its place (productions 10 and 14,
/// after 2) and it has no references but to the five entities, nor "]]>" in a text. False if it is
/// not, or if the bytes end before it does.
[[nodiscard]] bool read_plain_value(const char* bytes,
                                    std::uint32_t size,
                                    ValueKind kind,
                                    PlainValue& value);

}  // namespace rondel::xml
