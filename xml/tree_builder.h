// Grows a tree from parser events.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "xml/document.h"
#include "xml/xml_error.h"

namespace rondel::xml {

/// Takes the events of one element and what is in it; the first error stays.
///
/// Owner: a parser's context. Reused from stanza to stanza; the arena leaves with take().
class TreeBuilder {
 public:
  void begin();

  void start_element(std::string_view name, std::string_view ns);
  /// Of the element that start_element() has just opened.
  void add_attribute(std::string_view name, std::string_view ns);
  /// Of the attribute that add_attribute() has just added.
  void set_value(std::string_view value);
  void end_element();
  void add_text(std::string_view piece);
  void fail(XmlError error) {
    if (!error_) {
      error_ = error;
    }
  }

  [[nodiscard]] bool has_failed() const { return error_.has_value(); }
  /// Exactly one top element, closed, with nothing beside it.
  [[nodiscard]] bool is_complete() const { return !error_ && top_ != nullptr && at_ == nullptr; }
  [[nodiscard]] XmlError error() const { return error_.value_or(XmlError::not_well_formed); }
  [[nodiscard]] Document take();

 private:
  void flush_text();

  Arena arena_;
  Element* top_ = nullptr;
  Element* at_ = nullptr;
  unsigned depth_ = 0;
  std::optional<XmlError> error_;
  std::string text_;  // pieces of one text; its memory is kept for the next
};

}  // namespace rondel::xml
