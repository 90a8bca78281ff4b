// The shapes of stanzas that a thread has met under one set of stream namespaces.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "xml/shape.h"
#include "xml/shape_scan.h"

namespace rondel::xml {

/// Remembers shapes that came twice, and makes the trees of further stanzas that have one.
///
/// Limits: 256 shapes of at most 4 KiB, the least recently used of four going first; a peer that
/// sends ever new ones makes stanzas as dear as the parser is, no more. Thread: one.
class ShapeCache {
 public:
  ShapeCache();

  /// The tree of one whole element; an empty document if its shape is not known.
  [[nodiscard]] Document try_parse(std::string_view bytes);

  /// Looks at what the parser has made of the bytes that try_parse() has just not known. True if
  /// their shape is known now.
  bool learn(std::string_view bytes, const Element& root);

 private:
  static constexpr std::size_t kSets = 64;
  static constexpr std::size_t kWays = 4;
  struct Set {
    std::array<std::unique_ptr<Shape>, kWays> shapes;  // most recently used first
    std::array<std::uint64_t, kWays> missed{};         // hashes not known, latest first
  };

  [[nodiscard]] Set& set_of(std::uint64_t hash) { return sets_[hash % kSets]; }
  [[nodiscard]] const Shape* find(const char* bytes);

  std::vector<Set> sets_;
  const std::uint64_t seed_;
  ShapeScan scan_;
  bool is_scanned_ = false;  // whether scan_ is of the last bytes
};

}  // namespace rondel::xml
