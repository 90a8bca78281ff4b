#include "xmpp/data_form.h"

#include <algorithm>
#include <array>
#include <utility>

#include "xmpp/namespaces.h"

namespace rondel::xmpp {
namespace {

constexpr std::string_view kFormType = "FORM_TYPE";
/// In the order of the enumeration.
constexpr std::array<std::string_view, 4> kTypes{"form", "submit", "cancel", "result"};

DataFormField read_field(const xml::Element& element) {
  DataFormField field;
  field.var = element.attribute_or("var", "");
  field.type = element.attribute_or("type", "");
  field.label = element.attribute_or("label", "");
  for (const xml::Element& child : element.children()) {
    if (child.is("value", ns::kDataForms)) {
      field.values.push_back(child.text());
    } else if (child.is("required", ns::kDataForms)) {
      field.is_required = true;
    }
  }
  return field;
}

void write_field(const DataFormField& field, xml::Arena& arena, xml::Element& form) {
  xml::Element& element = form.append(arena, "field", ns::kDataForms);
  const auto set = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) {
      element.set_attribute(arena, name, value);
    }
  };
  set("var", field.var);
  set("type", field.type);
  set("label", field.label);
  if (field.is_required) {
    element.append(arena, "required", ns::kDataForms);
  }
  for (const std::string& value : field.values) {
    element.append(arena, "value", ns::kDataForms).append_text(arena, value);
  }
}

}  // namespace

std::string_view to_text(DataFormType type) {
  return kTypes[static_cast<std::size_t>(type)];
}

std::string_view DataFormField::value() const {
  return values.empty() ? std::string_view() : std::string_view(values.front());
}

DataForm DataForm::of(DataFormType type, std::string_view form_type) {
  DataForm form;
  form.type = type;
  form.add(kFormType, "hidden", {std::string(form_type)});
  return form;
}

DataForm& DataForm::add(std::string_view var,
                        std::string_view field_type,
                        std::vector<std::string> values) {
  fields.push_back({std::string(var), std::string(field_type), std::move(values)});
  return *this;
}

std::string_view DataForm::form_type() const {
  const DataFormField* const found = field(kFormType);
  // XEP-0068 §3: on a submitted form the type may be left out, elsewhere it must be hidden.
  const bool may_omit_type = type == DataFormType::submit;
  if (found == nullptr || (found->type != "hidden" && !(may_omit_type && found->type.empty()))) {
    return {};
  }
  return found->value();
}

const DataFormField* DataForm::field(std::string_view var) const {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const DataFormField& each) { return each.var == var; });
  return found == fields.end() ? nullptr : &*found;
}

xml::Element& DataForm::append_to(xml::Arena& arena, xml::Element& parent) const {
  xml::Element& x = parent.append(arena, "x", ns::kDataForms);
  x.set_attribute(arena, "type", to_text(type));
  if (!title.empty()) {
    x.append(arena, "title", ns::kDataForms).append_text(arena, title);
  }
  if (!instructions.empty()) {
    x.append(arena, "instructions", ns::kDataForms).append_text(arena, instructions);
  }
  for (const DataFormField& each : fields) {
    write_field(each, arena, x);
  }
  return x;
}

std::optional<DataForm> DataForm::parse(const xml::Element& x) {
  const auto* const found_type =
      std::find(kTypes.begin(), kTypes.end(), x.attribute_or("type", ""));
  if (!x.is("x", ns::kDataForms) || found_type == kTypes.end()) {
    return std::nullopt;
  }
  DataForm form;
  form.type = static_cast<DataFormType>(found_type - kTypes.begin());
  std::size_t values = 0;
  for (const xml::Element& child : x.children()) {
    if (child.is("title", ns::kDataForms)) {
      form.title = child.text();
    } else if (child.is("instructions", ns::kDataForms)) {
      form.instructions = child.text();
    } else if (child.is("field", ns::kDataForms)) {
      form.fields.push_back(read_field(child));
      values += form.fields.back().values.size();
      if (form.fields.size() > kDataFormFieldsMax || values > kDataFormFieldsMax) {
        return std::nullopt;
      }
    }
  }
  return form;
}

}  // namespace rondel::xmpp
