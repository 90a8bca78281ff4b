// A stanza without its values: what libxml2 once made of the markup, ready to be filled anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "xml/document.h"
#include "xml/shape_scan.h"

namespace rondel::xml {

/// The markup of a stanza that libxml2 has read, and the steps that make its tree.
///
/// A later stanza with the same markup has the same tree but for its plain values (ShapeScan says
/// why), so it needs no parser. Owner: ShapeCache.
class Shape {
 public:
  /// What was scanned, and the tree that the parser made of it; null if the two do not agree in
  /// every name and value.
  [[nodiscard]] static std::unique_ptr<Shape> learn(std::string_view bytes,
                                                    const ShapeScan& scan,
                                                    const Element& root);

  /// Whether these bytes, so scanned, have exactly this markup.
  [[nodiscard]] bool matches(const char* bytes, const ShapeScan& scan) const;
  /// The tree of bytes that match and lie in `arena`; names and values are views of them.
  [[nodiscard]] Document make_tree(Arena arena, const char* bytes, const ShapeScan& scan) const;

  [[nodiscard]] std::uint64_t hash() const { return hash_; }

 private:
  class Recorder;

  /// Bytes of the markup, told from the beginning of a piece.
  struct Place {
    std::uint16_t piece = 0;
    std::uint16_t offset = 0;
    std::uint16_t size = 0;
  };
  enum class Step : std::uint8_t { element, attribute, fixed_attribute, text, end };
  enum class Keep : std::uint8_t { for_ever, as_parent, copy };
  struct Op {
    Step step = Step::end;
    Keep keep_ns = Keep::for_ever;
    std::uint16_t slot = 0;  ///< Of an attribute or a text.
    Place name;
    std::string_view ns;
    std::string_view fixed;  ///< The value of a fixed attribute.
  };

  Shape() = default;
  /// Text that lives as long as this.
  std::string_view keep(std::string_view text) { return texts_.emplace_front(text); }

  std::uint64_t hash_ = 0;
  std::string markup_;  // all pieces, and padding
  std::vector<std::uint32_t> piece_bytes_;
  std::vector<Op> ops_;
  std::forward_list<std::string> texts_;
};

}  // namespace rondel::xml
