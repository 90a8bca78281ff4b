#include "xml/shape_cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/random.h"

namespace rondel::xml {

// Seeded, so that nobody can prepare stanzas that drive those of others out.
ShapeCache::ShapeCache() : sets_(kSets), seed_(base::random_u64()) {
}

Document ShapeCache::try_parse(std::string_view bytes) {
  is_scanned_ = false;
  if (bytes.empty() || bytes.size() > ShapeScan::kBytesMax) {
    return {};
  }
  // The tree shows views of the bytes, so they go into its arena first; a miss wastes the copy.
  Arena arena;
  auto* const copy = static_cast<char*>(arena.allocate(bytes.size() + ShapeScan::kPaddingBytes, 1));
  std::memcpy(copy, bytes.data(), bytes.size());
  std::memset(copy + bytes.size(), '<', ShapeScan::kPaddingBytes);
  is_scanned_ = scan_.read(copy, bytes.size(), seed_);
  const Shape* known = is_scanned_ ? find(copy) : nullptr;
  return known == nullptr ? Document() : known->make_tree(std::move(arena), copy, scan_);
}

const Shape* ShapeCache::find(const char* bytes) {
  auto& shapes = set_of(scan_.hash()).shapes;
  const auto known = std::find_if(shapes.begin(), shapes.end(), [&](const auto& shape) {
    return shape != nullptr && shape->matches(bytes, scan_);
  });
  if (known == shapes.end()) {
    return nullptr;
  }
  std::rotate(shapes.begin(), known, known + 1);
  return shapes.front().get();
}

bool ShapeCache::learn(std::string_view bytes, const Element& root) {
  if (!is_scanned_) {
    return false;
  }
  Set& set = set_of(scan_.hash());
  // What came only once may never come again.
  const auto missed = std::find(set.missed.begin(), set.missed.end(), scan_.hash());
  if (missed == set.missed.end()) {
    std::rotate(set.missed.begin(), set.missed.end() - 1, set.missed.end());
    set.missed.front() = scan_.hash();
    return false;
  }
  *missed = 0;
  auto shape = Shape::learn(bytes, scan_, root);
  if (shape == nullptr) {
    return false;
  }
  std::rotate(set.shapes.begin(), set.shapes.end() - 1, set.shapes.end());
  set.shapes.front() = std::move(shape);
  return true;
}

}  // namespace rondel::xml
