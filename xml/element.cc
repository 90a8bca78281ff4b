#include "xml/element.h"

#include <cstring>

#include "base/check.h"
#include "xml/well_known.h"

namespace rondel::xml {

std::optional<std::string_view> Element::attribute(std::string_view name,
                                                   std::string_view ns) const {
  for (const Attribute& attribute : attributes()) {
    if (attribute.is(name, ns)) {
      return attribute.value();
    }
  }
  return std::nullopt;
}

std::string_view Element::attribute_or(std::string_view name, std::string_view fallback) const {
  return attribute(name).value_or(fallback);
}

bool Element::has_attribute(std::string_view name) const {
  return attribute(name).has_value();
}

std::optional<std::string_view> Element::lang() const {
  return attribute("lang", kXmlNamespace);
}

const Element* Element::child(std::string_view name, std::string_view ns) const {
  for (const Element& element : children()) {
    if (element.is(name, ns)) {
      return &element;
    }
  }
  return nullptr;
}

Element* Element::child(std::string_view name, std::string_view ns) {
  for (Element& element : children()) {
    if (element.is(name, ns)) {
      return &element;
    }
  }
  return nullptr;
}

std::string Element::text() const {
  std::string joined;
  for (const Node& node : nodes()) {
    if (node.is_text()) {
      joined += static_cast<const Text&>(node).value();
    }
  }
  return joined;
}

std::string_view Element::single_text() const {
  for (const Node& node : nodes()) {
    if (node.is_text()) {
      return static_cast<const Text&>(node).value();
    }
  }
  return {};
}

void Element::link(Node& node) {
  node.parent_ = this;
  node.next_ = nullptr;
  (last_ == nullptr ? first_ : last_->next_) = &node;
  last_ = &node;
}

void Element::link_attribute(Attribute& attribute) {
  (last_attribute_ == nullptr ? first_attribute_ : last_attribute_->next_) = &attribute;
  last_attribute_ = &attribute;
}

void Element::changed() {
  // Around an element that has forgotten it everything has.
  for (Element* at = this; at != nullptr && !at->written_.empty(); at = at->parent()) {
    at->written_ = {};
  }
}

void Element::set_attribute(Arena& arena,
                            std::string_view name,
                            std::string_view ns,
                            std::string_view value) {
  changed();
  const std::string_view kept = arena.copy(value);
  for (Attribute* at = first_attribute_; at != nullptr; at = at->next_) {
    if (at->is(name, ns)) {
      at->value_ = kept;
      at->is_written_ = false;
      return;
    }
  }
  link_attribute(*arena.make<Attribute>(arena.copy(name), keep_namespace(arena, ns), kept));
}

void Element::set_lang(Arena& arena, std::string_view value) {
  set_attribute(arena, "lang", kXmlNamespace, value);
}

void Element::remove_attribute(std::string_view name, std::string_view ns) {
  changed();
  Attribute* before = nullptr;
  for (Attribute* at = first_attribute_; at != nullptr; before = at, at = at->next_) {
    if (at->is(name, ns)) {
      (before == nullptr ? first_attribute_ : before->next_) = at->next_;
      if (last_attribute_ == at) {
        last_attribute_ = before;
      }
      return;
    }
  }
}

void Element::remove(Node& node) {
  RONDEL_CHECK(node.parent_ == this);
  changed();
  Node* before = nullptr;
  for (Node* at = first_; at != &node; at = at->next_) {
    before = at;
  }
  (before == nullptr ? first_ : before->next_) = node.next_;
  if (last_ == &node) {
    last_ = before;
  }
  node.parent_ = nullptr;
  node.next_ = nullptr;
}

Element& Element::append(Arena& arena, std::string_view name, std::string_view ns) {
  changed();
  auto* element =
      arena.make<Element>(arena.copy(name), ns == ns_ ? ns_ : keep_namespace(arena, ns));
  link(*element);
  return *element;
}

void Element::append_text(Arena& arena, std::string_view value) {
  if (value.empty()) {
    return;
  }
  changed();
  if (last_ == nullptr || !last_->is_text()) {
    link(*arena.make<Text>(arena.copy(value)));
    return;
  }
  auto* last = static_cast<Text*>(last_);
  const std::size_t size = last->value_.size() + value.size();
  auto* joined = static_cast<char*>(arena.allocate(size, 1));
  std::memcpy(joined, last->value_.data(), last->value_.size());
  std::memcpy(joined + last->value_.size(), value.data(), value.size());
  last->value_ = {joined, size};
}

Element& Element::append_copy(Arena& arena, const Element& source) {
  changed();
  Element& copied = copy(arena, source);
  link(copied);
  return copied;
}

Element& Element::copy(Arena& arena, const Element& source) {
  const auto copy_one = [&arena](const Element& from, const Element* parent) -> Element& {
    const bool is_inherited = parent != nullptr && parent->ns_ == from.ns_;
    auto* made = arena.make<Element>(arena.copy(from.name_),
                                     is_inherited ? parent->ns_ : keep_namespace(arena, from.ns_));
    for (const Attribute& attribute : from.attributes()) {
      made->link_attribute(*arena.make<Attribute>(arena.copy(attribute.name()),
                                                  keep_namespace(arena, attribute.ns()),
                                                  arena.copy(attribute.value())));
    }
    return *made;
  };
  Element& top = copy_one(source, nullptr);
  Element* to = &top;
  const Element* from = &source;
  const Node* node = source.first_;
  for (;;) {
    if (node == nullptr) {
      if (from == &source) {
        return top;
      }
      node = from->next();
      from = from->parent();
      to = to->parent();
    } else if (node->is_text()) {
      to->append_text(arena, static_cast<const Text*>(node)->value());
      node = node->next();
    } else {
      from = static_cast<const Element*>(node);
      Element& made = copy_one(*from, to);
      to->link(made);
      to = &made;
      node = from->first_;
    }
  }
}

namespace {

bool has_same_tag(const Element& left, const Element& right) {
  if (!left.is(right.name(), right.ns())) {
    return false;
  }
  std::size_t count = 0;
  for (const Attribute& attribute : left.attributes()) {
    ++count;
    if (right.attribute(attribute.name(), attribute.ns()) != attribute.value()) {
      return false;
    }
  }
  for ([[maybe_unused]] const Attribute& attribute : right.attributes()) {
    --count;
  }
  return count == 0;
}

/// Goes past the texts at `node` and returns them joined.
std::string take_texts(const Node*& node) {
  std::string joined;
  for (; node != nullptr && node->is_text(); node = node->next()) {
    joined += static_cast<const Text*>(node)->value();
  }
  return joined;
}

}  // namespace

bool is_equal(const Element& left, const Element& right) {
  const Element* a = &left;
  const Element* b = &right;
  for (;;) {
    if (!has_same_tag(*a, *b)) {
      return false;
    }
    const Node* in_a = a->first_node();
    const Node* in_b = b->first_node();
    for (;;) {
      if (take_texts(in_a) != take_texts(in_b) || (in_a == nullptr) != (in_b == nullptr)) {
        return false;
      }
      if (in_a != nullptr) {
        a = static_cast<const Element*>(in_a);
        b = static_cast<const Element*>(in_b);
        break;
      }
      if (a == &left) {
        return true;
      }
      in_a = a->next();
      in_b = b->next();
      a = a->parent();
      b = b->parent();
    }
  }
}

}  // namespace rondel::xml
