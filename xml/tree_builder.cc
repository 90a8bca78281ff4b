#include "xml/tree_builder.h"

#include "base/check.h"
#include "xml/libxml_guard.h"
#include "xml/well_known.h"

namespace rondel::xml {
namespace {

constexpr std::size_t kTextBytesKept = 16 * 1024;

}  // namespace

void TreeBuilder::begin() {
  arena_.release();
  top_ = at_ = nullptr;
  depth_ = 0;
  error_.reset();
  text_.clear();
  if (text_.capacity() > kTextBytesKept) {
    text_.shrink_to_fit();
  }
}

void TreeBuilder::start_element(std::string_view name, std::string_view ns) {
  if (has_failed()) {
    return;
  }
  if (depth_ == 0 && top_ != nullptr) {
    return fail(XmlError::not_well_formed);  // a second element beside the first
  }
  if (++depth_ > kParserDepthMax) {
    return fail(XmlError::policy_violation);
  }
  flush_text();
  const bool is_inherited = at_ != nullptr && at_->ns() == ns;
  auto* element = arena_.make<Element>(arena_.copy(name),
                                       is_inherited ? at_->ns() : keep_namespace(arena_, ns));
  if (at_ != nullptr) {
    at_->link(*element);
  } else {
    top_ = element;
  }
  at_ = element;
}

void TreeBuilder::add_attribute(std::string_view name, std::string_view ns) {
  if (has_failed()) {
    return;
  }
  RONDEL_ASSERT(at_ != nullptr);
  at_->link_attribute(
      *arena_.make<Attribute>(arena_.copy(name), keep_namespace(arena_, ns), std::string_view()));
}

void TreeBuilder::set_value(std::string_view value) {
  if (!has_failed()) {
    at_->last_attribute_->value_ = arena_.copy(value);
  }
}

void TreeBuilder::end_element() {
  if (has_failed()) {
    return;
  }
  if (at_ == nullptr) {
    return fail(XmlError::not_well_formed);  // the end of the root, which is ours
  }
  flush_text();
  at_ = at_->parent();
  --depth_;
}

void TreeBuilder::add_text(std::string_view piece) {
  if (has_failed()) {
    return;
  }
  if (at_ == nullptr) {
    return fail(XmlError::bad_format);
  }
  text_ += piece;
}

void TreeBuilder::flush_text() {
  if (!text_.empty()) {
    at_->link(*arena_.make<Text>(arena_.copy(text_)));
    text_.clear();
  }
}

Document TreeBuilder::take() {
  RONDEL_CHECK(is_complete());
  Element* top = std::exchange(top_, nullptr);
  return Document(std::move(arena_), *top);
}

}  // namespace rondel::xml
