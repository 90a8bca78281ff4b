#include "xml/shape.h"

#include <array>
#include <cstring>

#include "xml/entities.h"
#include "xml/escape.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rondel::xml {
namespace {

/// In steps of so many bytes, for which both sides have room.
constexpr std::size_t kStepBytes = 16;

char* copy_padded(char* to, const char* from, std::size_t size) {
  for (std::size_t at = 0; at < size; at += kStepBytes) {
#if defined(__SSE2__)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at),
                     _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at)));
#else
    std::memcpy(to + at, from + at, kStepBytes);
#endif
  }
  return to + size;
}

/// `text` without references to the five entities, which are all that it has; in `arena`.
std::string_view resolve(Arena& arena, std::string_view text) {
  auto* const begin = static_cast<char*>(arena.allocate(text.size(), 1));
  char* to = begin;
  for (std::size_t at = 0;;) {
    const std::size_t reference = text.find('&', at);
    const std::string_view plain = text.substr(at, reference - at);
    to = static_cast<char*>(std::memcpy(to, plain.data(), plain.size())) + plain.size();
    if (reference == std::string_view::npos) {
      return {begin, static_cast<std::size_t>(to - begin)};
    }
    const PredefinedEntity entity = predefined_entity(text.substr(reference));
    *to++ = entity.character;
    at = reference + entity.bytes;
  }
}

}  // namespace

/// The stanza as it will be written, in the arena, and where its parts stand there.
class Shape::Layout {
 public:
  Layout(const Shape& shape, Arena& arena, const char* bytes, const PlainValue* values) {
    const std::size_t slots = shape.piece_bytes_.size() - 1;
    std::size_t room = shape.markup_.size();
    for (std::size_t i = 0; i < slots; ++i) {
      const std::size_t size = values[i].end - values[i].begin;
      room += values[i].is_verbatim ? size : size * kEscapedBytesMax;
    }
    auto* to = static_cast<char*>(arena.allocate(room, 1));
    const char* markup = shape.markup_.data();
    for (std::size_t i = 0;; ++i) {
      pieces_[i] = to;
      to = copy_padded(to, markup, shape.piece_bytes_[i]);
      markup += shape.piece_bytes_[i];
      if (i == slots) {
        return;
      }
      const std::string_view raw(bytes + values[i].begin, values[i].end - values[i].begin);
      if (values[i].is_verbatim) [[likely]] {
        std::memcpy(to, raw.data(), raw.size());
        values_[i] = {to, raw.size()};
        to += raw.size();
      } else {
        const std::string_view value = resolve(arena, raw);
        values_[i] = {value.data(), value.size()};
        const bool is_text = (shape.text_slots_ >> i & 1) != 0;
        escape(value, is_text ? Escape::text : Escape::attribute, [&to](std::string_view part) {
          std::memcpy(to, part.data(), part.size());
          to += part.size();
        });
      }
    }
  }

  [[nodiscard]] std::string_view value(std::size_t slot) const {
    return {values_[slot].begin, values_[slot].size};
  }
  [[nodiscard]] std::string_view between(Place begin, Place end) const {
    const char* from = pieces_[begin.piece] + begin.offset;
    return {from, static_cast<std::size_t>(pieces_[end.piece] + end.offset - from)};
  }

 private:
  struct Text {
    const char* begin;
    std::size_t size;
  };
  // Not initialised: a stanza has few of the most that it may have.
  std::array<const char*, ShapeScan::kSlotsMax + 1> pieces_;
  std::array<Text, ShapeScan::kSlotsMax> values_;
};

Document Shape::make_tree(const char* bytes, const PlainValue* values) const {
  Arena arena;
  const Layout layout(*this, arena, bytes, values);
  const auto kept_ns = [&arena](const Op& op) {
    return op.keep_ns == Keep::copy ? arena.copy(op.ns) : op.ns;
  };
  Element* top = nullptr;
  Element* at = nullptr;
  for (const Op& op : ops_) {
    switch (op.step) {
      case Step::element: {
        auto* element = arena.make<Element>(layout.between(op.at, op.behind),
                                            op.keep_ns == Keep::as_parent ? at->ns() : kept_ns(op));
        if (at != nullptr) {
          at->link(*element);
        } else {
          top = element;
        }
        at = element;
        break;
      }
      case Step::attribute: {
        auto* attribute = arena.make<Attribute>(layout.between(op.at, op.behind), kept_ns(op),
                                                layout.value(op.slot));
        attribute->is_written_ = op.ns.empty() && values[op.slot].is_verbatim;
        at->link_attribute(*attribute);
        break;
      }
      case Step::fixed_attribute:
        at->link_attribute(*arena.make<Attribute>(layout.between(op.at, op.behind), kept_ns(op),
                                                  arena.copy(op.fixed)));
        break;
      case Step::text:
        at->link(*arena.make<Text>(layout.value(op.slot)));
        break;
      case Step::end:
        at->written_ = layout.between(op.at, op.behind);
        at = at->parent();
        break;
    }
  }
  top->written_ = {};  // Who writes it chooses its addresses and its namespace.
  return Document(std::move(arena), *top);
}

}  // namespace rondel::xml
