#include "xml/shape_scan.h"

#include <cstring>

#include "xml/characters.h"

namespace rondel::xml {

bool ShapeScan::read(std::string_view bytes) {
  bytes_ = bytes.data();
  size_ = static_cast<std::uint32_t>(bytes.size());
  count_ = 0;
  if (bytes.size() < 4 || bytes.size() > kBytesMax || bytes.front() != '<') {
    return false;
  }
  for (std::uint32_t at = 0;;) {
    if (!read_tag(at)) {
      return false;
    }
    if (at == size_) {
      return true;
    }
    if (bytes_[at] != '<' && !read_slot(at, ValueKind::text)) {
      return false;
    }
  }
}

/// From a '<' to behind the '>' that ends the tag.
bool ShapeScan::read_tag(std::uint32_t& at) {
  if (++at == size_ || bytes_[at] == '!' || bytes_[at] == '?') {
    return false;
  }
  for (std::uint32_t found = at; found < size_; ++found) {
    switch (bytes_[found]) {
      case '<':
        return false;
      case '>':
        at = found + 1;
        return true;
      case '\'':
      case '"':
        if (!read_attribute(at, found)) {
          return false;
        }
        found = at - 1;
        break;
      default:
        break;
    }
  }
  return false;
}

/// From the tag's name, or the last attribute's value, to behind this one's closing quote.
bool ShapeScan::read_attribute(std::uint32_t& at, std::uint32_t opening_quote) {
  if (bytes_[opening_quote - 1] != '=') {
    return false;  // White space is allowed there; nobody writes it.
  }
  std::uint32_t name = opening_quote - 1;
  while (name > at && !is_space(bytes_[name - 1])) {
    --name;
  }
  if (name == opening_quote - 1) {
    return false;  // White space before the '=' hides the name, which may be xmlns.
  }
  const char quote = bytes_[opening_quote];
  at = opening_quote + 1;
  if (std::memcmp(bytes_ + name, "xml", 3) == 0) {
    const auto* end = static_cast<const char*>(std::memchr(bytes_ + at, quote, size_ - at));
    at = end == nullptr ? size_ : static_cast<std::uint32_t>(end - bytes_) + 1;
    return end != nullptr;
  }
  if (!read_slot(at, quote == '"' ? ValueKind::in_quotes : ValueKind::in_apostrophes)) {
    return false;
  }
  ++at;
  return true;
}

/// To the quote, or the '<', that ends the value.
bool ShapeScan::read_slot(std::uint32_t& at, ValueKind kind) {
  if (count_ == kSlotsMax) {
    return false;
  }
  PlainValue& slot = slots_[count_++];
  slot.begin = at;
  if (!read_plain_value(bytes_, size_, kind, slot)) {
    return false;
  }
  at = slot.end;
  return true;
}

}  // namespace rondel::xml
