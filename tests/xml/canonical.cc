#include "tests/xml/canonical.h"

#include <algorithm>
#include <expat.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <map>
#include <vector>

namespace rondel::xml {
namespace {

/// Collects in document order; texts are joined because nothing is put between them.
class Writer {
 public:
  using Attributes = std::map<std::string, std::string>;

  static std::string qualified(std::string_view ns, std::string_view name) {
    return "{" + std::string(ns) + "}" + std::string(name);
  }
  void start(const std::string& name, const Attributes& attributes) {
    text += "<" + name + "[";
    for (const auto& [key, value] : attributes) {
      text += key + "=" + std::to_string(value.size()) + ":" + value + ",";
    }
    text += "](";
  }
  void end() { text += ")>"; }
  // Escaped, so that no text can look like structure.
  void characters(std::string_view value) {
    for (char c : value) {
      if (c == '<' || c == '>' || c == '\\') {
        text += '\\';
      }
      text += c;
    }
  }

  std::string text;
};

void walk(const Element& element, Writer& out) {
  Writer::Attributes attributes;
  for (const Attribute& attribute : element.attributes()) {
    attributes[Writer::qualified(attribute.ns(), attribute.name())] = attribute.value();
  }
  out.start(Writer::qualified(element.ns(), element.name()), attributes);
  for (const Node& node : element.nodes()) {
    if (node.is_text()) {
      out.characters(static_cast<const Text&>(node).value());
    } else {
      walk(static_cast<const Element&>(node), out);
    }
  }
  out.end();
}

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

/// libxml2's DOM leaves the ampersands of a namespace (and only those) as references.
std::string namespace_of(const xmlNs* ns) {
  std::string text(ns != nullptr ? view(ns->href) : std::string_view());
  for (std::size_t at = 0; (at = text.find("&#38;", at)) != std::string::npos; ++at) {
    text.erase(at + 1, 4);
  }
  return text;
}

void walk(const xmlNode* node, Writer& out) {
  Writer::Attributes attributes;
  for (const xmlAttr* at = node->properties; at != nullptr; at = at->next) {
    xmlChar* value = xmlNodeListGetString(node->doc, at->children, 1);
    attributes[Writer::qualified(namespace_of(at->ns), view(at->name))] = view(value);
    xmlFree(value);
  }
  out.start(Writer::qualified(namespace_of(node->ns), view(node->name)), attributes);
  for (const xmlNode* child = node->children; child != nullptr; child = child->next) {
    if (child->type == XML_ELEMENT_NODE) {
      walk(child, out);
    } else {
      out.characters(view(child->content));
    }
  }
  out.end();
}

/// Expat gives "ns|name", or "name" without a namespace; '|' stands in no XML name.
std::string from_expat(std::string_view name) {
  const std::size_t bar = name.rfind('|');
  return bar == std::string_view::npos
             ? Writer::qualified("", name)
             : Writer::qualified(name.substr(0, bar), name.substr(bar + 1));
}

}  // namespace

std::string canonical(const Element& element) {
  Writer out;
  walk(element, out);
  return out.text;
}

std::optional<std::string> canonical_by_libxml2(std::string_view document) {
  xmlDoc* read = xmlReadMemory(document.data(), static_cast<int>(document.size()), nullptr, nullptr,
                               XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
  if (read == nullptr) {
    return std::nullopt;
  }
  Writer out;
  walk(xmlDocGetRootElement(read), out);
  xmlFreeDoc(read);
  return out.text;
}

std::optional<std::string> canonical_by_expat(std::string_view document) {
  Writer out;
  XML_Parser parser = XML_ParserCreateNS("UTF-8", '|');
  XML_SetUserData(parser, &out);
  XML_SetElementHandler(
      parser,
      [](void* user, const XML_Char* name, const XML_Char** attributes) {
        Writer::Attributes found;
        for (; *attributes != nullptr; attributes += 2) {
          found[from_expat(attributes[0])] = attributes[1];
        }
        static_cast<Writer*>(user)->start(from_expat(name), found);
      },
      [](void* user, const XML_Char*) { static_cast<Writer*>(user)->end(); });
  XML_SetCharacterDataHandler(parser, [](void* user, const XML_Char* text, int size) {
    static_cast<Writer*>(user)->characters({text, static_cast<std::size_t>(size)});
  });
  const auto status =
      XML_Parse(parser, document.data(), static_cast<int>(document.size()), XML_TRUE);
  XML_ParserFree(parser);
  return status == XML_STATUS_OK ? std::optional(out.text) : std::nullopt;
}

}  // namespace rondel::xml
