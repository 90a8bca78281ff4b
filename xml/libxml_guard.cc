#include "xml/libxml_guard.h"

#include <cstring>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <mutex>

#include "base/check.h"

namespace rondel::xml {
namespace {

xmlParserInputPtr refuse_external_entity(const char*, const char*, xmlParserCtxtPtr) {
  return nullptr;
}

constexpr std::string_view kAmpersand = "&#38;";
bool leaves_ampersands = false;  // written once, in prepare_libxml()

/// Parses one attribute to see in which form its ampersand comes.
void probe_ampersands() {
  xmlSAXHandler sax;
  std::memset(&sax, 0, sizeof sax);
  sax.initialized = XML_SAX2_MAGIC;
  std::string seen;
  sax.startElementNs = [](void* user, const xmlChar*, const xmlChar*, const xmlChar*, int,
                          const xmlChar**, int, int, const xmlChar** attributes) {
    const auto* begin = reinterpret_cast<const char*>(attributes[3]);
    static_cast<std::string*>(user)->assign(begin, reinterpret_cast<const char*>(attributes[4]));
  };
  constexpr std::string_view kProbe = "<probe a='&amp;'>";
  auto* context = xmlCreatePushParserCtxt(&sax, &seen, nullptr, 0, nullptr);
  RONDEL_CHECK(context != nullptr);
  xmlCtxtUseOptions(context, XML_PARSE_NONET);
  xmlParseChunk(context, kProbe.data(), static_cast<int>(kProbe.size()), 0);
  xmlFreeParserCtxt(context);
  RONDEL_CHECK(seen == kAmpersand || seen == "&");
  leaves_ampersands = seen == kAmpersand;
}

}  // namespace

void prepare_libxml() {
  static std::once_flag once;
  std::call_once(once, [] {
    xmlInitParser();
    xmlSetExternalEntityLoader(refuse_external_entity);
    probe_ampersands();
  });
}

std::string_view resolve_ampersands(std::string_view value, std::string& scratch) {
  std::size_t at = leaves_ampersands ? value.find(kAmpersand) : std::string_view::npos;
  if (at == std::string_view::npos) {
    return value;
  }
  scratch.clear();
  std::size_t from = 0;
  for (; at != std::string_view::npos; at = value.find(kAmpersand, from)) {
    scratch.append(value, from, at + 1 - from);
    from = at + kAmpersand.size();
  }
  scratch.append(value, from);
  return scratch;
}

std::optional<XmlError> judge_libxml_error(int code) {
  switch (code) {
    case XML_WAR_NS_URI:           // a namespace that is no URI at all, and
    case XML_WAR_NS_URI_RELATIVE:  // one without a scheme: OMEMO's, in every message
      return std::nullopt;
    case XML_ERR_UNSUPPORTED_ENCODING:
    case XML_ERR_UNKNOWN_ENCODING:
      return XmlError::unsupported_encoding;
    default:
      return XmlError::not_well_formed;
  }
}

}  // namespace rondel::xml
