// What must not stand as it is in the XML that we write, and what stands there instead.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rondel::xml {

/// Where characters have to be escaped; what a text escapes, an attribute does, too.
enum class Escape : std::uint8_t { none, text, attribute };

/// No character becomes more bytes than this.
inline constexpr std::size_t kEscapedBytesMax = 6;

consteval std::array<Escape, 256> make_escapes() {
  std::array<Escape, 256> escapes{};
  for (std::size_t c = 0; c < 0x20; ++c) {
    escapes[c] = Escape::text;
  }
  escapes['\t'] = escapes['\n'] = Escape::attribute;
  escapes['&'] = escapes['<'] = escapes['>'] = Escape::text;
  escapes['\''] = escapes['"'] = Escape::attribute;
  return escapes;
}
inline constexpr std::array<Escape, 256> kEscapes = make_escapes();

inline bool is_special(char c, Escape where) {
  const Escape escape = kEscapes[static_cast<unsigned char>(c)];
  return escape != Escape::none && escape <= where;
}

/// What is written for a special character.
[[nodiscard]] std::string_view replacement(char c);

/// The first character from `from` on that must not stand as it is, or the size.
inline std::size_t find_special(std::string_view text, std::size_t from, Escape where) {
#if defined(__SSE2__)
  const __m128i control = _mm_set1_epi8(0x1f);
  for (; from + 16 <= text.size(); from += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + from));
    const auto equal = [block](char c) { return _mm_cmpeq_epi8(block, _mm_set1_epi8(c)); };
    __m128i found = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(block, control), block),
                                 _mm_or_si128(equal('&'), _mm_or_si128(equal('<'), equal('>'))));
    if (where == Escape::attribute) {
      found = _mm_or_si128(found, _mm_or_si128(equal('\''), equal('"')));
    } else {
      found = _mm_andnot_si128(_mm_or_si128(equal('\n'), equal('\t')), found);
    }
    const auto bits = static_cast<unsigned>(_mm_movemask_epi8(found));
    if (bits != 0) {
      return from + static_cast<std::size_t>(std::countr_zero(bits));
    }
  }
#endif
  while (from < text.size() && !is_special(text[from], where)) {
    ++from;
  }
  return from;
}

/// Hands `put` the text in pieces, escaped.
template <class Put>
void escape(std::string_view text, Escape where, Put&& put) {
  for (std::size_t from = 0;;) {
    const std::size_t special = find_special(text, from, where);
    put(text.substr(from, special - from));
    if (special == text.size()) {
      return;
    }
    put(replacement(text[special]));
    from = special + 1;
  }
}

}  // namespace rondel::xml
