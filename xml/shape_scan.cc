#include "xml/shape_scan.h"

#include <bit>
#include <cstring>

#include "base/utf8.h"
#include "xml/characters.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rondel::xml {
namespace {

constexpr char kFirstPrintable = 0x20;

enum class AlsoAt : std::uint8_t { nothing, control, control_or_not_ascii };

/// The first byte from `at` on that is one of `Stops`, or of a kind at which to stop, too.
///
/// '<' must be among the stops: the padding is made of it.
template <AlsoAt Also, char... Stops>
std::uint32_t find(const char* bytes, std::uint32_t at) {
#if defined(__SSE2__)
  for (;; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + at));
    __m128i found = _mm_setzero_si128();
    ((found = _mm_or_si128(found, _mm_cmpeq_epi8(block, _mm_set1_epi8(Stops)))), ...);
    if constexpr (Also == AlsoAt::control) {
      found = _mm_or_si128(
          found, _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(kFirstPrintable - 1)), block));
    } else if constexpr (Also == AlsoAt::control_or_not_ascii) {
      // As signed numbers, bytes from 0x80 on are below everything else.
      found = _mm_or_si128(found, _mm_cmplt_epi8(block, _mm_set1_epi8(kFirstPrintable)));
    }
    if (const int mask = _mm_movemask_epi8(found); mask != 0) {
      return at + static_cast<std::uint32_t>(std::countr_zero(static_cast<unsigned>(mask)));
    }
  }
#else
  for (;; ++at) {
    const char c = bytes[at];
    const bool is_ascii = static_cast<signed char>(c) >= 0;
    if (((c == Stops) || ...) || (Also != AlsoAt::nothing && is_ascii && c < kFirstPrintable) ||
        (Also == AlsoAt::control_or_not_ascii && !is_ascii)) {
      return at;
    }
  }
#endif
}

/// XML 1.0 production 2, for text that has no control characters: UTF-8 without U+FFFE and U+FFFF.
bool are_characters(std::string_view text) {
  for (std::size_t at = 0; (at = text.find('\xef', at)) != std::string_view::npos; ++at) {
    const std::string_view sequence = text.substr(at, 3);
    if (sequence == "\xef\xbf\xbe" || sequence == "\xef\xbf\xbf") {
      return false;
    }
  }
  return base::is_valid_utf8(text);
}

}  // namespace

PredefinedEntity predefined_entity(std::string_view text) {
  static constexpr struct {
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

bool ShapeScan::read(const char* bytes, std::size_t size, std::uint64_t seed) {
  bytes_ = bytes;
  size_ = static_cast<std::uint32_t>(size);
  count_ = 0;
  hash_ = seed;
  if (size < 4 || size > kBytesMax || bytes[0] != '<') {
    return false;
  }
  for (std::uint32_t at = 0;;) {
    if (!read_tag(at)) {
      return false;
    }
    if (at == size_) {
      hash_cut(size_ - piece_begin(count_));
      return true;
    }
    if (bytes_[at] != '<' && !read_text(at)) {
      return false;
    }
  }
}

/// From a '<' to behind the '>' that ends the tag.
bool ShapeScan::read_tag(std::uint32_t& at) {
  if (const char next = bytes_[at + 1]; next == '!' || next == '?') {
    return false;
  }
  ++at;
  for (;;) {
    const std::uint32_t found = find<AlsoAt::nothing, '\'', '"', '>', '<'>(bytes_, at);
    if (found >= size_ || bytes_[found] == '<') {
      return false;
    }
    if (bytes_[found] == '>') {
      at = found + 1;
      return true;
    }
    if (!read_attribute(at, found)) {
      return false;
    }
  }
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
  const std::uint32_t begin = opening_quote + 1;
  const char quote = bytes_[opening_quote];
  if (std::memcmp(bytes_ + name, "xml", 3) == 0) {
    const auto* end = static_cast<const char*>(std::memchr(bytes_ + begin, quote, size_ - begin));
    at = end == nullptr ? size_ : static_cast<std::uint32_t>(end - bytes_) + 1;
    return end != nullptr;
  }
  bool has_references = false;
  for (std::uint32_t end = begin;; ++end) {
    end = quote == '\'' ? find<AlsoAt::control_or_not_ascii, '\'', '&', '<'>(bytes_, end)
                        : find<AlsoAt::control_or_not_ascii, '"', '&', '<'>(bytes_, end);
    if (end >= size_) {
      return false;
    }
    if (bytes_[end] == quote) {
      at = end + 1;
      return add_slot(begin, end, has_references);
    }
    const PredefinedEntity entity =
        bytes_[end] == '&' ? predefined_entity({bytes_ + end, size_ - end}) : PredefinedEntity();
    if (entity.bytes == 0) {
      return false;
    }
    has_references = true;
    end += entity.bytes - 1U;
  }
}

/// From the first character of a text to the '<' behind it.
bool ShapeScan::read_text(std::uint32_t& at) {
  const std::uint32_t begin = at;
  bool has_references = false;
  bool is_ascii = true;
  for (std::uint32_t end = begin;; ++end) {
    end = is_ascii ? find<AlsoAt::control_or_not_ascii, '<', '&', '>'>(bytes_, end)
                   : find<AlsoAt::control, '<', '&', '>'>(bytes_, end);
    if (end >= size_) {
      return false;
    }
    const char c = bytes_[end];
    if (c == '<') {
      at = end;
      return (is_ascii || are_characters({bytes_ + begin, end - begin})) &&
             add_slot(begin, end, has_references);
    }
    if (c == '&') {
      const PredefinedEntity entity = predefined_entity({bytes_ + end, size_ - end});
      if (entity.bytes == 0) {
        return false;
      }
      has_references = true;
      end += entity.bytes - 1U;
    } else if (c == '>') {
      if (end - begin >= 2 && bytes_[end - 1] == ']' && bytes_[end - 2] == ']') {
        return false;
      }
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      is_ascii = false;
    } else if (c != '\t' && c != '\n') {
      return false;  // No XML character, or the return that a parser makes a line feed.
    }
  }
}

bool ShapeScan::add_slot(std::uint32_t begin, std::uint32_t end, bool has_references) {
  if (count_ == kSlotsMax) {
    return false;
  }
  hash_cut(begin - piece_begin(count_));
  slots_[count_++] = {begin, end, has_references};
  return true;
}

}  // namespace rondel::xml
