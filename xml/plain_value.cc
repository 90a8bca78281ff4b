#include "xml/plain_value.h"

#include <bit>
#include <string_view>

#include "base/utf8.h"
#include "xml/entities.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rondel::xml {
namespace {

constexpr char kFirstPrintable = 0x20;

enum class AlsoAt : std::uint8_t { control, control_or_not_ascii };

template <AlsoAt Also, char... Stops>
bool is_stop(char c) {
  const bool is_ascii = static_cast<signed char>(c) >= 0;
  return ((c == Stops) || ...) || (is_ascii && c < kFirstPrintable) ||
         (Also == AlsoAt::control_or_not_ascii && !is_ascii);
}

/// The first byte from `at` on that is one of `Stops`, or of a kind at which to stop, too; or the
/// size.
template <AlsoAt Also, char... Stops>
std::uint32_t find(const char* bytes, std::uint32_t at, std::uint32_t size) {
#if defined(__SSE2__)
  for (; at + 16 <= size; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + at));
    __m128i found;
    if constexpr (Also == AlsoAt::control) {
      found = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(kFirstPrintable - 1)), block);
    } else {
      // As signed numbers, bytes from 0x80 on are below everything else.
      found = _mm_cmplt_epi8(block, _mm_set1_epi8(kFirstPrintable));
    }
    ((found = _mm_or_si128(found, _mm_cmpeq_epi8(block, _mm_set1_epi8(Stops)))), ...);
    if (const int mask = _mm_movemask_epi8(found); mask != 0) {
      return at + static_cast<std::uint32_t>(std::countr_zero(static_cast<unsigned>(mask)));
    }
  }
#endif
  while (at < size && !is_stop<Also, Stops...>(bytes[at])) {
    ++at;
  }
  return at;
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

bool read_attribute(const char* bytes, std::uint32_t size, char quote, PlainValue& value) {
  value.is_verbatim = true;
  for (std::uint32_t end = value.begin;; ++end) {
    end = find<AlsoAt::control_or_not_ascii, '\'', '"', '&', '<', '>'>(bytes, end, size);
    if (end >= size) {
      return false;
    }
    const char c = bytes[end];
    if (c == quote) {
      value.end = end;
      return true;
    }
    if (c == '&') {
      const PredefinedEntity entity = predefined_entity({bytes + end, size - end});
      if (entity.bytes == 0) {
        return false;
      }
      end += entity.bytes - 1U;
    } else if (c != '>' && c != '\'' && c != '"') {
      return false;
    }
    value.is_verbatim = false;
  }
}

bool read_text(const char* bytes, std::uint32_t size, PlainValue& value) {
  const std::uint32_t begin = value.begin;
  bool is_ascii = true;
  value.is_verbatim = true;
  for (std::uint32_t end = begin;; ++end) {
    end = is_ascii ? find<AlsoAt::control_or_not_ascii, '<', '&', '>'>(bytes, end, size)
                   : find<AlsoAt::control, '<', '&', '>'>(bytes, end, size);
    if (end >= size) {
      return false;
    }
    const char c = bytes[end];
    if (c == '<') {
      value.end = end;
      return is_ascii || are_characters({bytes + begin, end - begin});
    }
    if (c == '&') {
      const PredefinedEntity entity = predefined_entity({bytes + end, size - end});
      if (entity.bytes == 0) {
        return false;
      }
      end += entity.bytes - 1U;
      value.is_verbatim = false;
    } else if (c == '>') {
      if (end - begin >= 2 && bytes[end - 1] == ']' && bytes[end - 2] == ']') {
        return false;
      }
      value.is_verbatim = false;
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      is_ascii = false;
    } else if (c != '\t' && c != '\n') {
      return false;  // No XML character, or the return that a parser makes a line feed.
    }
  }
}

}  // namespace

bool read_plain_value(const char* bytes, std::uint32_t size, ValueKind kind, PlainValue& value) {
  return kind == ValueKind::text
             ? read_text(bytes, size, value)
             : read_attribute(bytes, size, kind == ValueKind::in_quotes ? '"' : '\'', value);
}

}  // namespace rondel::xml
