// Characters that XML gives a meaning of their own.
#pragma once

namespace rondel::xml {

/// White space, as a character or as a byte. Source: XML 1.0, production 3.
template <class Byte>
[[nodiscard]] constexpr bool is_space(Byte c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace rondel::xml
