// Data forms: what service discovery, contact addresses and account management need of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "xml/document.h"

namespace rondel::xmpp {

/// Source: XEP-0004 §3.1.
enum class DataFormType : std::uint8_t { form, submit, cancel, result };
[[nodiscard]] std::string_view to_text(DataFormType type);

/// One field. Source: XEP-0004 §3.2.
struct DataFormField {
  std::string var;
  std::string type;  ///< "hidden", "text-single", "list-multi", …; empty: left to the reader.
  std::vector<std::string> values;
  std::string label = {};
  bool is_required = false;

  /// The first value, "" when there is none.
  [[nodiscard]] std::string_view value() const;
};

/// A form without the table of results (`<reported/>`, `<item/>`), which parse() passes over.
struct DataForm {
  DataFormType type = DataFormType::form;
  std::string title = {};
  std::string instructions = {};
  std::vector<DataFormField> fields = {};

  /// A form whose first field is FORM_TYPE. Source: XEP-0068.
  [[nodiscard]] static DataForm of(DataFormType type, std::string_view form_type);
  DataForm& add(std::string_view var, std::string_view type, std::vector<std::string> values);

  /// The value of the field FORM_TYPE; empty: none. On a form or result it counts only if hidden.
  [[nodiscard]] std::string_view form_type() const;
  [[nodiscard]] const DataFormField* field(std::string_view var) const;

  /// Appends `<x xmlns='jabber:x:data'/>`.
  xml::Element& append_to(xml::Arena& arena, xml::Element& parent) const;
  /// None if it is no `<x/>` of this namespace, its type is unknown, or there are too many fields
  /// or values. Limits: kDataFormFieldsMax.
  [[nodiscard]] static std::optional<DataForm> parse(const xml::Element& x);
};
/// Fields of a form, and values of all its fields together.
inline constexpr std::size_t kDataFormFieldsMax = 256;

}  // namespace rondel::xmpp
