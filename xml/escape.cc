#include "xml/escape.h"

namespace rondel::xml {

std::string_view replacement(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '\'':
      return "&apos;";
    case '"':
      return "&quot;";
    case '\t':
      return "&#9;";
    case '\n':
      return "&#10;";
    case '\r':
      return "&#13;";
    default:
      return "\xef\xbf\xbd";  // U+FFFD: XML has no way to write the others
  }
}

}  // namespace rondel::xml
