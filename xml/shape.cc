#include "xml/shape.h"

#include <algorithm>
#include <cstring>

#include "xml/characters.h"
#include "xml/well_known.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rondel::xml {
namespace {

/// `text` without references to the five entities, which are all that it has; in `arena`.
std::string_view resolve(Arena& arena, std::string_view text) {
  auto* const begin = static_cast<char*>(arena.allocate(text.size(), 1));
  char* to = begin;
  for (std::size_t at = 0;;) {
    const std::size_t reference = text.find('&', at);
    const std::string_view plain = text.substr(at, reference - at);
    to = std::copy(plain.begin(), plain.end(), to);
    if (reference == std::string_view::npos) {
      break;
    }
    const PredefinedEntity entity = predefined_entity(text.substr(reference));
    *to++ = entity.character;
    at = reference + entity.bytes;
  }
  return {begin, static_cast<std::size_t>(to - begin)};
}

/// Whether `size` bytes are equal; 16 from the last one on may be read of either.
bool is_equal_padded(const char* left, const char* right, std::size_t size) {
#if defined(__SSE2__)
  for (std::size_t at = 0; at < size; at += 16) {
    const __m128i equal =
        _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(left + at)),
                       _mm_loadu_si128(reinterpret_cast<const __m128i*>(right + at)));
    // Behind the end everything counts as equal.
    const unsigned behind = size - at < 16 ? ~0U << (size - at) : 0;
    if (((static_cast<unsigned>(_mm_movemask_epi8(equal)) | behind) & 0xffff) != 0xffff) {
      return false;
    }
  }
  return true;
#else
  return std::memcmp(left, right, size) == 0;
#endif
}

bool begins_tag_end(char c) {
  return c == '>' || c == '/';
}

}  // namespace

// --- Use -----------------------------------------------------------------------------------------

bool Shape::matches(const char* bytes, const ShapeScan& scan) const {
  if (scan.hash() != hash_ || scan.piece_count() != piece_bytes_.size()) {
    return false;
  }
  const char* expected = markup_.data();
  for (std::size_t i = 0; i < piece_bytes_.size(); ++i) {
    const std::uint32_t begin = scan.piece_begin(i);
    const std::uint32_t size = scan.piece_end(i) - begin;
    if (size != piece_bytes_[i] || !is_equal_padded(bytes + begin, expected, size)) {
      return false;
    }
    expected += size;
  }
  return true;
}

Document Shape::make_tree(Arena arena, const char* bytes, const ShapeScan& scan) const {
  const auto name = [&](const Op& op) {
    return std::string_view(bytes + scan.piece_begin(op.name.piece) + op.name.offset, op.name.size);
  };
  const auto value = [&](const Op& op) {
    const ShapeSlot& slot = scan.slot(op.slot);
    const std::string_view text(bytes + slot.begin, slot.end - slot.begin);
    return slot.has_references ? resolve(arena, text) : text;
  };
  const auto kept_ns = [&](const Op& op) {
    return op.keep_ns == Keep::copy ? arena.copy(op.ns) : op.ns;
  };
  Element* top = nullptr;
  Element* at = nullptr;
  for (const Op& op : ops_) {
    switch (op.step) {
      case Step::element: {
        auto* element =
            arena.make<Element>(name(op), op.keep_ns == Keep::as_parent ? at->ns() : kept_ns(op));
        if (at != nullptr) {
          at->link(*element);
        } else {
          top = element;
        }
        at = element;
        break;
      }
      case Step::attribute:
        at->link_attribute(*arena.make<Attribute>(name(op), kept_ns(op), value(op)));
        break;
      case Step::fixed_attribute:
        at->link_attribute(*arena.make<Attribute>(name(op), kept_ns(op), arena.copy(op.fixed)));
        break;
      case Step::text:
        at->link(*arena.make<Text>(value(op)));
        break;
      case Step::end:
        at = at->parent();
        break;
    }
  }
  return Document(std::move(arena), *top);
}

// --- Learning ------------------------------------------------------------------------------------

/// Reads the bytes once more, beside the tree, and writes the steps down; stops where they differ.
class Shape::Recorder {
 public:
  Recorder(Shape& shape, std::string_view bytes, const ShapeScan& scan, const Element& root)
      : shape_(shape), bytes_(bytes), scan_(scan), next_(&root) {}

  bool record() {
    while (at_ < bytes_.size()) {
      const bool is_read = bytes_[at_] != '<'       ? text()
                           : bytes_[at_ + 1] == '/' ? end_tag()
                                                    : start_tag();
      if (!is_read) {
        return false;
      }
    }
    return element_ == nullptr && slot_ == scan_.slot_count();
  }

 private:
  bool start_tag() {
    if (next_ == nullptr || !next_->is_element()) {
      return false;
    }
    const auto* element = static_cast<const Element*>(next_);
    ++at_;
    Op op{Step::element, keep_of(element->ns(), element_), 0, {}, kept(element->ns()), {}};
    if (!name(op, element->name())) {
      return false;
    }
    shape_.ops_.push_back(op);
    element_ = element;
    next_ = element->first_node();
    attribute_ = element->attributes().begin();
    return attributes() && tag_end();
  }

  bool attributes() {
    for (skip_spaces(); !begins_tag_end(bytes_[at_]); skip_spaces()) {
      if (!attribute()) {
        return false;
      }
    }
    return attribute_ == element_->attributes().end();
  }

  bool attribute() {
    const std::size_t equals = bytes_.find('=', at_);
    const std::string_view raw_name = bytes_.substr(at_, equals - at_);
    const char quote = bytes_[equals + 1];
    const std::size_t begin = equals + 2;
    const std::size_t end = bytes_.find(quote, begin);
    const bool is_declaration = raw_name == "xmlns" || raw_name.substr(0, 6) == "xmlns:";
    if (!is_declaration) {
      if (attribute_ == element_->attributes().end()) {
        return false;
      }
      const Attribute& attribute = *attribute_;
      Op op{Step::attribute, keep_of(attribute.ns(), nullptr), 0, {}, kept(attribute.ns()), {}};
      if (raw_name.substr(0, 3) == "xml") {
        op.step = Step::fixed_attribute;
        op.fixed = shape_.keep(attribute.value());
      } else if (!slot(op, begin, end, attribute.value())) {
        return false;
      }
      if (!name(op, attribute.name())) {
        return false;
      }
      shape_.ops_.push_back(op);
      ++attribute_;
    }
    at_ = end + 1;
    return true;
  }

  bool tag_end() {
    if (bytes_[at_] == '/') {
      ++at_;
      ++at_;
      return end_element();
    }
    ++at_;
    return true;
  }

  bool end_tag() {
    at_ = bytes_.find('>', at_) + 1;
    return end_element();
  }

  bool end_element() {
    if (element_ == nullptr || next_ != nullptr) {
      return false;
    }
    shape_.ops_.push_back({});
    next_ = element_->next();
    element_ = element_->parent();
    return true;
  }

  bool text() {
    const std::size_t end = bytes_.find('<', at_);
    if (next_ == nullptr || !next_->is_text()) {
      return false;
    }
    Op op{Step::text, Keep::for_ever, 0, {}, {}, {}};
    if (!slot(op, at_, end, static_cast<const Text*>(next_)->value())) {
      return false;
    }
    shape_.ops_.push_back(op);
    next_ = next_->next();
    at_ = end;
    return true;
  }

  /// Takes the next slot, which must stand there and hold the value that the parser has read.
  bool slot(Op& op, std::size_t begin, std::size_t end, std::string_view value) {
    if (slot_ == scan_.slot_count() || scan_.slot(slot_).begin != begin ||
        scan_.slot(slot_).end != end) {
      return false;
    }
    Arena arena;
    if (resolve(arena, bytes_.substr(begin, end - begin)) != value) {
      return false;
    }
    op.slot = static_cast<std::uint16_t>(slot_++);
    return true;
  }

  /// Passes a name, with a prefix or without one, whose local part must be `local`.
  bool name(Op& op, std::string_view local) {
    const std::size_t begin = at_;
    while (!is_space(bytes_[at_]) && bytes_[at_] != '=' && !begins_tag_end(bytes_[at_])) {
      ++at_;
    }
    std::string_view written = bytes_.substr(begin, at_ - begin);
    if (const std::size_t colon = written.find(':'); colon != std::string_view::npos) {
      written.remove_prefix(colon + 1);
    }
    // The piece that the name stands in is the one before the next slot, unless that slot is its
    // own attribute's, which stands behind the name, too.
    const std::size_t piece = piece_of(begin);
    op.name = {static_cast<std::uint16_t>(piece),
               static_cast<std::uint16_t>(at_ - written.size() - scan_.piece_begin(piece)),
               static_cast<std::uint16_t>(written.size())};
    return written == local;
  }

  std::size_t piece_of(std::size_t at) const {
    std::size_t piece = 0;
    while (scan_.piece_end(piece) <= at) {
      ++piece;
    }
    return piece;
  }

  void skip_spaces() {
    while (is_space(bytes_[at_])) {
      ++at_;
    }
  }

  static Keep keep_of(std::string_view ns, const Element* parent) {
    if (parent != nullptr && parent->ns() == ns) {
      return Keep::as_parent;
    }
    return ns.empty() || !well_known_namespace(ns).empty() ? Keep::for_ever : Keep::copy;
  }
  std::string_view kept(std::string_view ns) {
    const std::string_view known = well_known_namespace(ns);
    return ns.empty() || !known.empty() ? known : shape_.keep(ns);
  }

  using AttributeIterator = decltype(std::declval<const Element&>().attributes().begin());

  Shape& shape_;
  const std::string_view bytes_;
  const ShapeScan& scan_;
  std::size_t at_ = 0;
  std::size_t slot_ = 0;
  const Element* element_ = nullptr;  // whose tags are open; null before and after the root
  const Node* next_;                  // what the tree has next there
  AttributeIterator attribute_;
};

std::unique_ptr<Shape> Shape::learn(std::string_view bytes,
                                    const ShapeScan& scan,
                                    const Element& root) {
  auto shape = std::unique_ptr<Shape>(new Shape);
  shape->hash_ = scan.hash();
  for (std::size_t i = 0; i < scan.piece_count(); ++i) {
    const std::uint32_t begin = scan.piece_begin(i);
    shape->piece_bytes_.push_back(scan.piece_end(i) - begin);
    shape->markup_ += bytes.substr(begin, shape->piece_bytes_.back());
  }
  shape->markup_.append(ShapeScan::kPaddingBytes, '\0');
  return Recorder(*shape, bytes, scan, root).record() ? std::move(shape) : nullptr;
}

}  // namespace rondel::xml
