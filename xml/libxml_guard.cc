#include "xml/libxml_guard.h"

#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <mutex>

namespace rondel::xml {
namespace {

xmlParserInputPtr refuse_external_entity(const char*, const char*, xmlParserCtxtPtr) {
  return nullptr;
}

}  // namespace

void prepare_libxml() {
  static std::once_flag once;
  std::call_once(once, [] {
    xmlInitParser();
    xmlSetExternalEntityLoader(refuse_external_entity);
  });
}

std::optional<XmlError> judge_libxml_error(int domain, int code) {
  switch (code) {
    case XML_WAR_NS_URI:           // a namespace that is no URI at all, and
    case XML_WAR_NS_URI_RELATIVE:  // one without a scheme: OMEMO's, in every message
      return std::nullopt;
    case XML_NS_ERR_UNDEFINED_NAMESPACE:
      return domain == XML_FROM_NAMESPACE ? XmlError::bad_namespace_prefix
                                          : XmlError::not_well_formed;
    case XML_ERR_UNSUPPORTED_ENCODING:
    case XML_ERR_UNKNOWN_ENCODING:
      return XmlError::unsupported_encoding;
    default:
      return XmlError::not_well_formed;
  }
}

}  // namespace rondel::xml
