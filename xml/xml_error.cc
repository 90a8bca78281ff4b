#include "xml/xml_error.h"

namespace rondel::xml {

std::string_view condition_name(XmlError error) {
  switch (error) {
    case XmlError::bad_format:
      return "bad-format";
    case XmlError::invalid_namespace:
      return "invalid-namespace";
    case XmlError::not_well_formed:
      return "not-well-formed";
    case XmlError::policy_violation:
      return "policy-violation";
    case XmlError::restricted_xml:
      return "restricted-xml";
    case XmlError::unsupported_encoding:
      return "unsupported-encoding";
  }
  return "undefined-condition";
}

}  // namespace rondel::xml
