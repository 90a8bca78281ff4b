// How a shape is learned: the bytes are read once more beside the tree that libxml2 made of them.
#include <algorithm>
#include <utility>

#include "xml/characters.h"
#include "xml/entities.h"
#include "xml/shape.h"
#include "xml/well_known.h"
#include "xml/writer.h"

namespace rondel::xml {
namespace {

bool begins_tag_end(char c) {
  return c == '>' || c == '/';
}

/// Whether `raw`, which has no references but to the five entities, means `value`.
bool means(std::string_view raw, std::string_view value) {
  for (;;) {
    const std::size_t plain = std::min(raw.find('&'), raw.size());
    if (value.substr(0, plain) != raw.substr(0, plain) || value.size() < plain) {
      return false;
    }
    if (plain == raw.size()) {
      return value.size() == plain;
    }
    const PredefinedEntity entity = predefined_entity(raw.substr(plain));
    if (entity.bytes == 0 || value.size() == plain || value[plain] != entity.character) {
      return false;
    }
    raw.remove_prefix(plain + entity.bytes);
    value.remove_prefix(plain + 1);
  }
}

}  // namespace

/// Writes down the steps to the tree; stops where bytes and tree differ.
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

  [[nodiscard]] std::vector<Op>& ops() { return ops_; }
  [[nodiscard]] const Size& size() const { return size_; }

 private:
  bool start_tag() {
    if (next_ == nullptr || !next_->is_element()) {
      return false;
    }
    const auto* element = static_cast<const Element*>(next_);
    if (element->ns() == kXmlNamespace) {
      return false;  // It is written with a prefix, and leaves its content the default namespace.
    }
    begins_.push_back(at_);
    size_.depth = std::max(size_.depth, static_cast<std::uint32_t>(begins_.size()));
    ++size_.elements;
    ++at_;
    Op op{.step = Step::element,
          .keep_ns = keep_of(element->ns(), element_),
          .ns = kept(element->ns())};
    if (!name(op, element->name())) {
      return false;
    }
    ops_.push_back(op);
    element_ = element;
    next_ = element->first_node();
    attribute_ = element->attributes().begin();
    return attributes() && tag_end();
  }

  bool attributes() {
    std::uint32_t count = 0;
    for (skip_spaces(); !begins_tag_end(bytes_[at_]); skip_spaces()) {
      if (!attribute()) {
        return false;
      }
      size_.attributes = std::max(size_.attributes, ++count);
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
      Op op{.step = Step::attribute,
            .keep_ns = keep_of(attribute.ns(), nullptr),
            .ns = kept(attribute.ns())};
      if (raw_name.substr(0, 3) == "xml") {
        op.step = Step::fixed_attribute;
        op.fixed = shape_.keep(attribute.value());
      } else if (!slot(op, begin, end, attribute.value())) {
        return false;
      }
      if (!name(op, attribute.name())) {
        return false;
      }
      ops_.push_back(op);
      ++attribute_;
    }
    at_ = end + 1;
    return true;
  }

  bool tag_end() {
    if (bytes_[at_] == '/') {
      at_ += 2;
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
    ops_.push_back({.step = Step::end, .at = place(begins_.back()), .behind = place_behind(at_)});
    begins_.pop_back();
    next_ = element_->next();
    element_ = element_->parent();
    return true;
  }

  bool text() {
    const std::size_t end = bytes_.find('<', at_);
    if (next_ == nullptr || !next_->is_text()) {
      return false;
    }
    Op op{.step = Step::text};
    if (!slot(op, at_, end, static_cast<const Text*>(next_)->value())) {
      return false;
    }
    ops_.push_back(op);
    next_ = next_->next();
    at_ = end;
    return true;
  }

  /// Takes the next slot, which must stand there and hold the value that the parser has read.
  bool slot(Op& op, std::size_t begin, std::size_t end, std::string_view value) {
    if (slot_ == scan_.slot_count() || scan_.slot(slot_).begin != begin ||
        scan_.slot(slot_).end != end || !means(bytes_.substr(begin, end - begin), value)) {
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
    op.at = place(at_ - written.size());
    op.behind = place_behind(at_);
    return written == local;
  }

  /// Of a byte of the markup.
  Place place(std::size_t at) const {
    std::size_t piece = 0;
    while (scan_.piece_end(piece) <= at) {
      ++piece;
    }
    return {static_cast<std::uint16_t>(piece),
            static_cast<std::uint16_t>(at - scan_.piece_begin(piece))};
  }
  /// Told from the piece of the byte before, which `at` may be the end of.
  Place place_behind(std::size_t at) const {
    Place last = place(at - 1);
    ++last.offset;
    return last;
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
  std::vector<Op> ops_;
  Size size_;
  std::size_t at_ = 0;
  std::vector<std::size_t> begins_;  // of the elements that are open
  std::size_t slot_ = 0;
  const Element* element_ = nullptr;  // whose tags are open; null before and after the root
  const Node* next_;                  // what the tree has next there
  AttributeIterator attribute_;
};

std::unique_ptr<Shape> Shape::learn(std::string_view bytes,
                                    const ShapeScan& scan,
                                    const Element& root) {
  Shape unused;  // The steps to the tree are those of the text that we write.
  Recorder as_received(unused, bytes, scan, root);
  if (!as_received.record()) {
    return nullptr;
  }
  auto shape = std::unique_ptr<Shape>(new Shape);
  shape->size_ = as_received.size();
  // The writer keeps the order of everything, so the same slots come in the same order.
  base::ByteBuffer written;
  write(root, written, {.content_namespace = root.ns()});
  ShapeScan scan_written;
  if (!scan_written.read(written.text()) || scan_written.slot_count() != scan.slot_count()) {
    return nullptr;
  }
  Recorder as_written(*shape, written.text(), scan_written, root);
  if (!as_written.record()) {
    return nullptr;
  }
  shape->ops_ = std::move(as_written.ops());
  for (std::size_t i = 0; i < scan_written.piece_count(); ++i) {
    const std::string_view piece = scan_written.piece(i);
    shape->piece_bytes_.push_back(static_cast<std::uint16_t>(piece.size()));
    shape->markup_ += piece;
    if (i < scan_written.slot_count() && piece.back() == '>') {
      shape->text_slots_ |= 1ULL << i;
    }
  }
  shape->markup_.append(kPaddingBytes, '\0');
  return shape;
}

}  // namespace rondel::xml
