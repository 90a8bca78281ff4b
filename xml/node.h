// What a stanza's tree is made of: nodes, texts, attributes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "base/short_text.h"

namespace rondel::xml {

class Element;

/// A piece of an element's content: an element or a text. Owner: the arena of its document.
class Node {
 public:
  [[nodiscard]] bool is_element() const { return kind_ == Kind::element; }
  [[nodiscard]] bool is_text() const { return kind_ == Kind::text; }
  [[nodiscard]] Node* next() { return next_; }
  [[nodiscard]] const Node* next() const { return next_; }
  [[nodiscard]] Element* parent() { return parent_; }
  [[nodiscard]] const Element* parent() const { return parent_; }

  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

 protected:
  enum class Kind : std::uint8_t { element, text };
  explicit Node(Kind kind) : kind_(kind) {}

 private:
  friend class Element;
  Node* next_ = nullptr;
  Element* parent_ = nullptr;
  Kind kind_;
};

/// Character data; two texts never stand side by side unless an element between them was removed.
class Text final : public Node {
 public:
  explicit Text(std::string_view value) : Node(Kind::text), value_(value) {}
  [[nodiscard]] std::string_view value() const { return value_; }

 private:
  friend class Element;
  std::string_view value_;
};

/// Name, namespace and value; the namespace is empty for an attribute without a prefix.
///
/// The prefix a peer used is not kept: the writer chooses its own.
class Attribute final {
 public:
  Attribute(std::string_view name, std::string_view ns, std::string_view value)
      : name_(name), ns_(ns), value_(value) {}
  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] std::string_view ns() const { return ns_; }
  [[nodiscard]] std::string_view value() const { return value_; }
  [[nodiscard]] bool is(std::string_view name, std::string_view ns) const {
    return base::is_same_short(name_, name) && base::is_same_short(ns_, ns);
  }
  [[nodiscard]] const Attribute* next() const { return next_; }
  /// What write() makes of it, the space before it included, if that is known; else empty.
  [[nodiscard]] std::string_view written() const {
    constexpr std::size_t kAround = std::string_view(" =''").size();
    return is_written_ ? std::string_view(name_.data() - 1, name_.size() + value_.size() + kAround)
                       : std::string_view();
  }

 private:
  friend class Element;
  friend class Shape;
  friend class TreeBuilder;
  Attribute* next_ = nullptr;
  std::string_view name_;
  std::string_view ns_;
  std::string_view value_;
  bool is_written_ = false;  // name and value are views of ` name='value'`
};

/// For `for (auto& x : ...)` over a chain that `Step` walks; the current item may not be removed.
template <class T, T* (*Step)(T*)>
class ChainRange {
 public:
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = T*;
    using reference = T&;

    Iterator() = default;
    explicit Iterator(T* at) : at_(at) {}
    T& operator*() const { return *at_; }
    T* operator->() const { return at_; }
    Iterator& operator++() {
      at_ = Step(at_);
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator&) const = default;

   private:
    T* at_ = nullptr;
  };

  explicit ChainRange(T* first) : first_(first) {}
  [[nodiscard]] Iterator begin() const { return Iterator(first_); }
  [[nodiscard]] Iterator end() const { return Iterator(); }
  [[nodiscard]] bool empty() const { return first_ == nullptr; }

 private:
  T* first_;
};

}  // namespace rondel::xml
