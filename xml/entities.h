// The five entities that XML has without a declaration.
#pragma once

#include <cstdint>
#include <string_view>

namespace rondel::xml {

/// The character that a reference to one of XML's five entities stands for, and the bytes that the
/// reference takes; 0 bytes if none begins `text`, which begins with '&'. Source: XML 1.0 §4.6.
struct PredefinedEntity {
  char character = 0;
  std::uint8_t bytes = 0;
};
[[nodiscard]] inline PredefinedEntity predefined_entity(std::string_view text) {
  constexpr struct {
    std::string_view reference;
    char character;
  } kAll[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
  for (const auto& [reference, character] : kAll) {
    if (text.substr(0, reference.size()) == reference) {
      return {character, static_cast<std::uint8_t>(reference.size())};
    }
  }
  return {};
}

}  // namespace rondel::xml
