// An element of a stanza's tree: name, attributes, content.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "xml/arena.h"
#include "xml/node.h"

namespace rondel::xml {

inline constexpr std::string_view kClientNamespace = "jabber:client";
inline constexpr std::string_view kServerNamespace = "jabber:server";
inline constexpr std::string_view kStreamsNamespace = "http://etherx.jabber.org/streams";
inline constexpr std::string_view kXmlNamespace = "http://www.w3.org/XML/1998/namespace";

/// An element; every string that it shows lives in the arena of its document or for ever.
///
/// What goes in by append, set_attribute and the like is copied into the arena that is passed,
/// which must be the one of the same document, and must be UTF-8 without control characters (the
/// writer replaces those). Thread: one at a time; a document crosses threads whole.
class Element final : public Node {
 public:
  /// For Document, Element and the parser; strings are taken as they are.
  Element(std::string_view name, std::string_view ns) : Node(Kind::element), name_(name), ns_(ns) {}

  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] std::string_view ns() const { return ns_; }
  [[nodiscard]] bool is(std::string_view name, std::string_view ns) const {
    return base::is_same_short(name_, name) && ns_ == ns;
  }

  /// The value of an attribute without a namespace.
  [[nodiscard]] std::optional<std::string_view> attribute(std::string_view name) const {
    return attribute(name, {});
  }
  [[nodiscard]] std::optional<std::string_view> attribute(std::string_view name,
                                                          std::string_view ns) const;
  [[nodiscard]] std::string_view attribute_or(std::string_view name,
                                              std::string_view fallback) const;
  [[nodiscard]] bool has_attribute(std::string_view name) const;
  /// xml:lang of this element itself; inheriting it is the caller's business.
  [[nodiscard]] std::optional<std::string_view> lang() const;
  [[nodiscard]] auto attributes() const;

  /// The first child of that name in this element's own namespace; null when there is none.
  [[nodiscard]] Element* child(std::string_view name) { return child(name, ns_); }
  [[nodiscard]] const Element* child(std::string_view name) const { return child(name, ns_); }
  [[nodiscard]] Element* child(std::string_view name, std::string_view ns);
  [[nodiscard]] const Element* child(std::string_view name, std::string_view ns) const;
  [[nodiscard]] Element* first_element() { return element_from(first_); }
  [[nodiscard]] const Element* first_element() const { return element_from(first_); }
  [[nodiscard]] Element* next_element() { return element_from(next()); }
  [[nodiscard]] const Element* next_element() const { return element_from(next()); }
  [[nodiscard]] Node* first_node() { return first_; }
  [[nodiscard]] const Node* first_node() const { return first_; }
  [[nodiscard]] auto children();
  [[nodiscard]] auto children() const;
  [[nodiscard]] auto nodes();
  [[nodiscard]] auto nodes() const;

  /// What write() makes of this element below a parent whose namespace is the default one there, if
  /// that is known; else empty. It lasts until something in the element changes.
  [[nodiscard]] std::string_view written() const { return written_; }

  /// All texts directly in this element, joined.
  [[nodiscard]] std::string text() const;
  /// The first text directly in this element, without a copy; "" when there is none.
  [[nodiscard]] std::string_view single_text() const;

  /// Replaces or adds an attribute without a namespace.
  void set_attribute(Arena& arena, std::string_view name, std::string_view value) {
    set_attribute(arena, name, {}, value);
  }
  void set_attribute(Arena& arena,
                     std::string_view name,
                     std::string_view ns,
                     std::string_view value);
  void set_lang(Arena& arena, std::string_view value);
  void remove_attribute(std::string_view name, std::string_view ns = {});
  /// Takes a node out of this element, whose child it must be. Cost: linear in the children.
  void remove(Node& node);
  Element& append(Arena& arena, std::string_view name, std::string_view ns);
  /// Joins with a text that is already last.
  void append_text(Arena& arena, std::string_view value);
  /// A deep copy of `source`, which may be of another document, as the last child.
  Element& append_copy(Arena& arena, const Element& source);

  /// A deep copy that hangs nowhere yet. Cost: no recursion.
  [[nodiscard]] static Element& copy(Arena& arena, const Element& source);

 private:
  friend class Shape;
  friend class TreeBuilder;

  template <class Self, class N>
  static Self* element_of(N* node) {
    while (node != nullptr && !node->is_element()) {
      node = node->next();
    }
    return static_cast<Self*>(node);
  }
  static Element* element_from(Node* node) { return element_of<Element>(node); }
  static const Element* element_from(const Node* node) { return element_of<const Element>(node); }
  template <class T>
  static T* step_element(T* element) {
    return element->next_element();
  }
  template <class T>
  static T* step_node(T* node) {
    return node->next();
  }

  void link(Node& node);
  void link_attribute(Attribute& attribute);
  /// Forgets what this and everything around it is written as.
  void changed();

  std::string_view name_;
  std::string_view ns_;
  Node* first_ = nullptr;
  Node* last_ = nullptr;
  Attribute* first_attribute_ = nullptr;
  Attribute* last_attribute_ = nullptr;
  std::string_view written_;
};

/// Same names, namespaces, attributes in any order, and content; prefixes do not exist here.
///
/// Cost: no recursion; attributes are compared pair by pair.
[[nodiscard]] bool is_equal(const Element& left, const Element& right);

inline auto Element::attributes() const {
  return ChainRange<const Attribute, step_node<const Attribute>>(first_attribute_);
}
inline auto Element::children() {
  return ChainRange<Element, step_element<Element>>(first_element());
}
inline auto Element::children() const {
  return ChainRange<const Element, step_element<const Element>>(first_element());
}
inline auto Element::nodes() {
  return ChainRange<Node, step_node<Node>>(first_);
}
inline auto Element::nodes() const {
  return ChainRange<const Node, step_node<const Node>>(first_);
}

}  // namespace rondel::xml
