// The shapes of stanzas that a thread has met under one set of stream namespaces.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/limits.h"
#include "xml/plain_value.h"
#include "xml/shape.h"
#include "xml/shape_scan.h"

namespace rondel::xml {

/// Remembers shapes that came twice, and makes the trees of further stanzas that have one.
///
/// The pieces of markup form a tree of their own, which is walked in one pass over the bytes: they
/// are compared with what may follow, values are read up to their ends. Where a path ends, so does
/// the stanza. Limits: 256 shapes of at most 4 KiB, the least recently used going first; a peer
/// that sends ever new ones makes stanzas as dear as the parser is, no more. Thread: one.
class ShapeCache {
 public:
  static constexpr std::size_t kShapesMax = 256;
  static constexpr std::size_t kMissedMax = 256;

  struct Met {
    Document document;      ///< Empty if no stanza of a known shape is there.
    std::size_t bytes = 0;  ///< Of it, from the first one on.
  };

  ShapeCache();
  ~ShapeCache();

  /// The tree of the whole element, if its shape is known.
  [[nodiscard]] Document try_parse(std::string_view element);
  /// The stanza that begins `bytes`, if its shape is known, it is all there, and within `limits`.
  [[nodiscard]] Met try_take(std::string_view bytes, const base::StanzaLimits& limits);

  /// Looks at what the parser has made of an element that is not known. True if its shape is known
  /// from now on.
  bool learn(std::string_view element, const Element& root);

 private:
  struct Node;
  struct Found {
    const Shape* shape = nullptr;
    std::uint32_t bytes = 0;
  };

  /// Walks the bytes; `values_` are those of what is found.
  [[nodiscard]] Found find(std::string_view bytes);
  [[nodiscard]] bool has_come_before();
  void add(std::unique_ptr<Shape> shape);
  void forget_oldest();

  std::unique_ptr<Node> root_;
  std::size_t shapes_ = 0;
  std::uint64_t uses_ = 0;  // a clock of sorts
  std::array<PlainValue, ShapeScan::kSlotsMax> values_;
  ShapeScan scan_;
  std::array<std::uint64_t, kMissedMax> missed_{};  // hashes of markup that came once
};

}  // namespace rondel::xml
