#include "xml/shape_cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/hash.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rondel::xml {
namespace {

constexpr std::size_t kBlockBytes = 16;

ValueKind kind_behind(std::string_view piece) {
  return piece.back() == '\''  ? ValueKind::in_apostrophes
         : piece.back() == '"' ? ValueKind::in_quotes
                               : ValueKind::text;
}

}  // namespace

/// A piece of markup behind another one.
struct ShapeCache::Node {
  Node(Node* above, std::string_view text)
      : parent(above), bytes(static_cast<std::uint32_t>(text.size())), piece(text) {
    piece.append(kBlockBytes, '\0');
    if (!text.empty()) {
      kind = kind_behind(text);
    }
  }

  [[nodiscard]] bool begins(const char* at, std::uint32_t size) const {
    if (size < bytes) {
      return false;
    }
#if defined(__SSE2__)
    const char* expected = piece.data();
    if (const std::uint32_t blocks = (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
        blocks <= size) [[likely]] {
      for (std::uint32_t i = 0; i < bytes; i += kBlockBytes) {
        const __m128i equal =
            _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at + i)),
                           _mm_loadu_si128(reinterpret_cast<const __m128i*>(expected + i)));
        // Behind the end everything counts as equal.
        const unsigned behind = bytes - i < kBlockBytes ? ~0U << (bytes - i) : 0;
        if (((static_cast<unsigned>(_mm_movemask_epi8(equal)) | behind) & 0xffff) != 0xffff) {
          return false;
        }
      }
      return true;
    }
#endif
    return std::memcmp(at, piece.data(), bytes) == 0;
  }

  /// The child that goes on; null if none does.
  [[nodiscard]] Node* next(const char* at, std::uint32_t size) {
    for (auto& child : children) {
      // A text has a first character; without one, it's the longer piece of another child.
      if (child->begins(at, size) && (child->shape != nullptr || child->kind != ValueKind::text ||
                                      (child->bytes < size && at[child->bytes] != '<'))) {
        if (&child != &children.front()) {
          std::swap(child, children.front());
        }
        return children.front().get();
      }
    }
    return nullptr;
  }

  Node* parent;
  std::uint32_t bytes;               // of the piece
  ValueKind kind = ValueKind::text;  // of the value behind it
  std::string piece;                 // and padding
  std::unique_ptr<Shape> shape;      // of the stanza that the piece ends
  std::uint64_t used = 0;            // when the shape was met last
  std::vector<std::unique_ptr<Node>> children;
};

ShapeCache::ShapeCache() : root_(std::make_unique<Node>(nullptr, std::string_view())) {
}
ShapeCache::~ShapeCache() = default;

ShapeCache::Found ShapeCache::find(std::string_view bytes) {
  // Nothing longer is known; so 32 bits are enough for places.
  const auto size = static_cast<std::uint32_t>(std::min(bytes.size(), 2 * ShapeScan::kBytesMax));
  std::uint32_t at = 0;
  PlainValue* value = values_.data();
  Node* node = root_.get();
  while ((node = node->next(bytes.data() + at, size - at)) != nullptr) {
    at += node->bytes;
    if (node->shape != nullptr) {
      node->used = ++uses_;
      return {node->shape.get(), at};
    }
    value->begin = at;
    if (!read_plain_value(bytes.data(), size, node->kind, *value)) {
      return {};
    }
    at = value->end;
    ++value;
  }
  return {};
}

Document ShapeCache::try_parse(std::string_view element) {
  const Found found = find(element);
  return found.shape != nullptr && found.bytes == element.size()
             ? found.shape->make_tree(element.data(), values_.data())
             : Document();
}

ShapeCache::Met ShapeCache::try_take(std::string_view bytes, const base::StanzaLimits& limits) {
  const Found found = find(bytes);
  if (found.shape == nullptr || !found.shape->is_within(limits, found.bytes)) {
    return {};
  }
  return {found.shape->make_tree(bytes.data(), values_.data()), found.bytes};
}

/// Whether the markup that was scanned last came a moment ago; then that is forgotten.
bool ShapeCache::has_come_before() {
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < scan_.piece_count(); ++i) {
    hash = (hash + base::hash_text(scan_.piece(i))) * 0x9e37'79b9'7f4a'7c15ULL;
    hash ^= hash >> 32;
  }
  std::uint64_t& missed = missed_[hash % kMissedMax];
  const bool is_known = missed == hash;
  missed = is_known ? 0 : hash;
  return is_known;
}

bool ShapeCache::learn(std::string_view element, const Element& root) {
  if (!scan_.read(element)) {
    return false;
  }
  // What came only once may never come again.
  if (!has_come_before()) {
    return false;
  }
  auto shape = Shape::learn(element, scan_, root);
  if (shape == nullptr) {
    return false;
  }
  if (shapes_ == kShapesMax) {
    forget_oldest();
  }
  add(std::move(shape));
  return true;
}

/// Under the pieces of what was scanned last.
void ShapeCache::add(std::unique_ptr<Shape> shape) {
  Node* node = root_.get();
  for (std::size_t i = 0; i < scan_.piece_count(); ++i) {
    const std::string_view piece = scan_.piece(i);
    const auto known =
        std::find_if(node->children.begin(), node->children.end(), [piece](const auto& child) {
          return std::string_view(child->piece.data(), child->bytes) == piece;
        });
    node = known != node->children.end()
               ? known->get()
               : node->children.emplace_back(std::make_unique<Node>(node, piece)).get();
  }
  shapes_ += node->shape == nullptr ? 1 : 0;
  node->shape = std::move(shape);
  node->used = ++uses_;
}

void ShapeCache::forget_oldest() {
  Node* oldest = nullptr;
  std::vector<Node*> left{root_.get()};
  while (!left.empty()) {
    Node* node = left.back();
    left.pop_back();
    for (const auto& child : node->children) {
      left.push_back(child.get());
    }
    if (node->shape != nullptr && (oldest == nullptr || node->used < oldest->used)) {
      oldest = node;
    }
  }
  // With it goes what nothing else stands behind.
  for (Node* node = oldest; node->children.empty() && node->parent != nullptr;) {
    Node* parent = node->parent;
    std::erase_if(parent->children, [node](const auto& child) { return child.get() == node; });
    node = parent;
  }
  --shapes_;
}

}  // namespace rondel::xml
