// A stanza: a tree and the arena that it lives in.
#pragma once

#include <string_view>
#include <utility>

#include "base/check.h"
#include "xml/arena.h"
#include "xml/element.h"

namespace rondel::xml {

/// Owns one tree; moves cheaply, also across threads, and is copied only by clone().
class Document {
 public:
  /// Holds nothing; only empty(), assignment and destruction make sense.
  Document() = default;
  Document(Document&& other) noexcept
      : arena_(std::move(other.arena_)), root_(std::exchange(other.root_, nullptr)) {}
  Document& operator=(Document&& other) noexcept {
    arena_ = std::move(other.arena_);
    root_ = std::exchange(other.root_, nullptr);
    return *this;
  }
  /// For the parser: `root` lives in `arena`.
  Document(Arena arena, Element& root) : arena_(std::move(arena)), root_(&root) {}

  [[nodiscard]] static Document create(std::string_view name, std::string_view ns);
  /// A document of its own with a deep copy of `source` as its root.
  [[nodiscard]] static Document copy_of(const Element& source);
  [[nodiscard]] Document clone() const { return empty() ? Document() : copy_of(*root_); }

  [[nodiscard]] bool empty() const { return root_ == nullptr; }
  [[nodiscard]] Arena& arena() { return arena_; }
  [[nodiscard]] const Arena& arena() const { return arena_; }
  [[nodiscard]] Element& root() {
    RONDEL_ASSERT(root_ != nullptr);
    return *root_;
  }
  [[nodiscard]] const Element& root() const {
    RONDEL_ASSERT(root_ != nullptr);
    return *root_;
  }

 private:
  Arena arena_;
  Element* root_ = nullptr;
};

/// Writes a tree down in the order it reads:
/// `ElementBuilder(reply).child("query", ns).attribute("node", node).text("...").up()`.
class ElementBuilder {
 public:
  explicit ElementBuilder(Document& document) : arena_(&document.arena()), at_(&document.root()) {}
  ElementBuilder(Arena& arena, Element& at) : arena_(&arena), at_(&at) {}

  /// Appends a child and goes into it.
  ElementBuilder& child(std::string_view name, std::string_view ns) {
    at_ = &at_->append(*arena_, name, ns);
    return *this;
  }
  /// A child in the namespace of the element that it goes into.
  ElementBuilder& child(std::string_view name) { return child(name, at_->ns()); }
  ElementBuilder& attribute(std::string_view name, std::string_view value) {
    at_->set_attribute(*arena_, name, value);
    return *this;
  }
  ElementBuilder& lang(std::string_view value) {
    at_->set_lang(*arena_, value);
    return *this;
  }
  ElementBuilder& text(std::string_view value) {
    at_->append_text(*arena_, value);
    return *this;
  }
  /// Appends a deep copy and stays where it is.
  ElementBuilder& copy(const Element& source) {
    at_->append_copy(*arena_, source);
    return *this;
  }
  /// Goes back to the parent; stays at the root.
  ElementBuilder& up() {
    if (at_->parent() != nullptr) {
      at_ = at_->parent();
    }
    return *this;
  }
  /// The element that it is in.
  [[nodiscard]] Element& element() const { return *at_; }

 private:
  Arena* arena_;
  Element* at_;
};

}  // namespace rondel::xml
