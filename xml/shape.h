// A stanza without its values: what libxml2 once made of the markup, ready to be filled anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "xml/document.h"
#include "xml/shape_scan.h"

namespace rondel::xml {

/// What becomes of the values of a stanza with a certain markup, once libxml2 has read such a one.
///
/// A later stanza with the same markup has the same tree but for its plain values (ShapeScan says
/// why), so it needs no parser; and it is written the same but for them, so the tree knows what
/// each element below the root is written as. Owner: ShapeCache.
class Shape {
 public:
  /// What was scanned, and the tree that the parser made of it; null if the two do not agree in
  /// every name and value.
  [[nodiscard]] static std::unique_ptr<Shape> learn(std::string_view bytes,
                                                    const ShapeScan& scan,
                                                    const Element& root);

  /// The tree around these values, one for each slot, which stand in `bytes`.
  [[nodiscard]] Document make_tree(const char* bytes, const PlainValue* values) const;

  /// Whether a stanza of so many bytes is within the limits; when in doubt, not.
  [[nodiscard]] bool is_within(const base::StanzaLimits& limits, std::size_t bytes) const {
    return bytes <= limits.stanza_bytes_max && size_.depth <= limits.depth_max &&
           size_.attributes <= limits.attributes_max && size_.elements <= limits.elements_max;
  }

 private:
  class Recorder;
  class Layout;

  /// A place in the markup, told from the beginning of a piece.
  struct Place {
    std::uint16_t piece = 0;
    std::uint16_t offset = 0;
  };
  enum class Step : std::uint8_t { element, attribute, fixed_attribute, text, end };
  enum class Keep : std::uint8_t { for_ever, as_parent, copy };
  struct Op {
    Step step = Step::end;
    Keep keep_ns = Keep::for_ever;
    std::uint16_t slot = 0;  ///< Of an attribute or a text.
    Place at = {};           ///< Where the name begins, or the element that ends.
    Place behind = {};       ///< The same.
    std::string_view ns = {};
    std::string_view fixed = {};  ///< The value of a fixed attribute.
  };
  /// What limits are about; of attributes the most that one element has.
  struct Size {
    std::uint32_t depth = 0;
    std::uint32_t attributes = 0;
    std::uint32_t elements = 0;
  };

  static constexpr std::size_t kPaddingBytes = 16;  // behind the markup: it is copied in such steps

  Shape() = default;
  /// Text that lives as long as this.
  std::string_view keep(std::string_view text) { return texts_.emplace_front(text); }

  std::string markup_;  // as the writer writes it: all pieces, and padding
  std::vector<std::uint16_t> piece_bytes_;
  std::uint64_t text_slots_ = 0;  // a bit for each slot that is a text
  std::vector<Op> ops_;
  Size size_;  // of the stanza as it came
  std::forward_list<std::string> texts_;
};

}  // namespace rondel::xml
