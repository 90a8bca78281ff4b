#include "xml/stream_header.h"

#include <array>
#include <cstring>
#include <libxml/parser.h>
#include <memory>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "xml/element.h"
#include "xml/libxml_guard.h"

namespace rondel::xml {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

std::string text_of(const xmlChar* text) {
  return text == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(text));
}

/// The same of a namespace or a value.
std::string resolved(std::string text) {
  std::string scratch;
  return std::string(resolve_ampersands(text, scratch));
}

/// Takes ` name = "value"` off the front; false when something else stands there.
bool take_pseudo_attribute(std::string_view& rest, std::string_view name, std::string_view& value) {
  std::string_view at = rest;
  const auto skip = [&at] { at.remove_prefix(std::min(at.find_first_not_of(kSpaces), at.size())); };
  if (at.empty() || kSpaces.find(at.front()) == std::string_view::npos) {
    return false;
  }
  skip();
  if (!at.starts_with(name)) {
    return false;
  }
  at.remove_prefix(name.size());
  skip();
  if (!at.starts_with('=')) {
    return false;
  }
  at.remove_prefix(1);
  skip();
  if (at.empty() || (at.front() != '\'' && at.front() != '"')) {
    return false;
  }
  const std::size_t end = at.find(at.front(), 1);
  if (end == std::string_view::npos) {
    return false;
  }
  value = at.substr(1, end - 1);
  rest = at.substr(end + 1);
  return true;
}

bool is_utf8_name(std::string_view name) {
  constexpr std::string_view kName = "utf-8";
  if (name.size() != kName.size()) {
    return false;
  }
  for (std::size_t index = 0; index < name.size(); ++index) {
    const char c = name[index];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kName[index]) {
      return false;
    }
  }
  return true;
}

/// Takes the XML declaration off, so that libxml2 never learns of any encoding: it would convert.
///
/// Source: XML 1.0 §2.8; RFC 6120 §11.5, §11.6.
base::Result<std::string_view, XmlError> without_declaration(std::string_view bytes) {
  if (bytes.empty()) {
    return base::Unexpected(XmlError::not_well_formed);
  }
  const auto first = static_cast<unsigned char>(bytes.front());
  if (first == 0 || first == 0xfe || first == 0xff || (bytes.size() > 1 && bytes[1] == '\0')) {
    return base::Unexpected(XmlError::unsupported_encoding);
  }
  if (bytes.starts_with("\xef\xbb\xbf")) {
    return base::Unexpected(XmlError::not_well_formed);  // a character, not a mark: RFC 6120 §11.6
  }
  if (!bytes.starts_with("<?xml")) {
    return bytes;
  }
  const std::size_t end = bytes.find("?>");
  if (end == std::string_view::npos) {
    return base::Unexpected(XmlError::not_well_formed);
  }
  std::string_view inside = bytes.substr(5, end - 5);
  std::string_view value;
  if (!take_pseudo_attribute(inside, "version", value) || value != "1.0") {
    return base::Unexpected(XmlError::not_well_formed);
  }
  if (take_pseudo_attribute(inside, "encoding", value) && !is_utf8_name(value)) {
    return base::Unexpected(XmlError::unsupported_encoding);
  }
  if (take_pseudo_attribute(inside, "standalone", value) && value != "yes" && value != "no") {
    return base::Unexpected(XmlError::not_well_formed);
  }
  if (inside.find_first_not_of(kSpaces) != std::string_view::npos) {
    return base::Unexpected(XmlError::not_well_formed);
  }
  const std::string_view rest = bytes.substr(end + 2);
  return rest.substr(std::min(rest.find_first_not_of(kSpaces), rest.size()));
}

/// The user data of the callbacks.
struct Reading {
  StreamHeader header;
  std::optional<XmlError> error;
  int elements = 0;

  void fail(XmlError reason) {
    if (!error) {
      error = reason;
    }
  }
};

Reading& reading(void* user) {
  return *static_cast<Reading*>(user);
}

void on_attribute(StreamHeader& header, const xmlChar** attribute) {
  const auto* begin = reinterpret_cast<const char*>(attribute[3]);
  const auto* end = reinterpret_cast<const char*>(attribute[4]);
  const std::string name = text_of(attribute[0]);
  const std::string ns = resolved(text_of(attribute[2]));
  std::string value = resolved(std::string(begin, end));
  if (ns == kXmlNamespace && name == "lang") {
    header.lang = std::move(value);
  } else if (!ns.empty()) {
    return;
  } else if (name == "to") {
    header.to = std::move(value);
  } else if (name == "from") {
    header.from = std::move(value);
  } else if (name == "id") {
    header.id = std::move(value);
  } else if (name == "version") {
    header.version = std::move(value);
  }
}

void on_start(void* user,
              const xmlChar* name,
              const xmlChar* prefix,
              const xmlChar* ns,
              int namespace_count,
              const xmlChar** namespaces,
              int attribute_count,
              int,
              const xmlChar** attributes) {
  Reading& into = reading(user);
  ++into.elements;
  if (prefix != nullptr && ns == nullptr) {
    return into.fail(XmlError::not_well_formed);
  }
  into.header.root_name = text_of(name);
  into.header.root_prefix = text_of(prefix);
  into.header.root_ns = resolved(text_of(ns));
  std::string content;
  std::vector<std::pair<std::string, std::string>> prefixes;
  for (int index = 0; index < namespace_count; ++index, namespaces += 2) {
    if (namespaces[0] == nullptr) {
      content = resolved(text_of(namespaces[1]));
    } else {
      prefixes.emplace_back(text_of(namespaces[0]), resolved(text_of(namespaces[1])));
    }
  }
  into.header.namespaces = StreamNamespaces::of(std::move(content), std::move(prefixes));
  for (int index = 0; index < attribute_count; ++index, attributes += 5) {
    if (attributes[1] != nullptr && attributes[2] == nullptr) {
      return into.fail(XmlError::not_well_formed);
    }
    on_attribute(into.header, attributes);
  }
}

void on_restricted(void* user, const xmlChar*) {
  reading(user).fail(XmlError::restricted_xml);
}
void on_instruction(void* user, const xmlChar*, const xmlChar*) {
  reading(user).fail(XmlError::restricted_xml);
}
void on_subset(void* user, const xmlChar*, const xmlChar*, const xmlChar*) {
  reading(user).fail(XmlError::restricted_xml);
}
xmlEntityPtr on_entity(void* user, const xmlChar*) {
  reading(user).fail(XmlError::restricted_xml);
  return nullptr;
}

#if LIBXML_VERSION >= 21200
using ErrorPointer = const xmlError*;
#else
using ErrorPointer = xmlErrorPtr;
#endif
void on_error(void* user, ErrorPointer report) {
  if (const auto judged = judge_libxml_error(report->code)) {
    reading(user).fail(*judged);
  }
}

/// Our callbacks build no document; libxml2 makes one all the same where an entity is declared.
void free_context(xmlParserCtxtPtr context) {
  xmlFreeDoc(context->myDoc);
  xmlFreeParserCtxt(context);
}

/// The headers that this thread read last. Clients of one program and host say the same bytes each
/// time, three times for a login, and a context for one tag costs as much as several stanzas.
class LatestHeaders {
 public:
  [[nodiscard]] const StreamHeader* find(std::string_view bytes) const {
    for (const Entry& entry : entries_) {
      if (entry.bytes == bytes && !bytes.empty()) {
        return &entry.header;
      }
    }
    return nullptr;
  }
  void keep(std::string_view bytes, const StreamHeader& header) {
    if (bytes.size() <= kBytesMax) {
      Entry& oldest = entries_[next_++ % entries_.size()];
      oldest.bytes = bytes;
      oldest.header = header;
    }
  }

 private:
  static constexpr std::size_t kBytesMax = 512;
  struct Entry {
    std::string bytes;
    StreamHeader header;
  };
  std::array<Entry, 8> entries_;
  std::size_t next_ = 0;
};

base::Result<StreamHeader, XmlError> read_stream_header(std::string_view bytes) {
  RONDEL_TRY(const std::string_view tag, without_declaration(bytes));
  if (tag.empty() || tag.size() > kParserBytesMax) {
    return base::Unexpected(tag.empty() ? XmlError::not_well_formed : XmlError::policy_violation);
  }
  prepare_libxml();
  xmlSAXHandler sax;
  std::memset(&sax, 0, sizeof sax);
  sax.initialized = XML_SAX2_MAGIC;
  sax.startElementNs = on_start;
  sax.getEntity = on_entity;
  sax.reference = on_restricted;
  sax.comment = on_restricted;
  sax.processingInstruction = on_instruction;
  sax.internalSubset = on_subset;
  sax.externalSubset = on_subset;
  sax.serror = on_error;
  Reading into;
  const std::unique_ptr<xmlParserCtxt, decltype(&free_context)> context(
      xmlCreatePushParserCtxt(&sax, &into, nullptr, 0, nullptr), free_context);
  RONDEL_CHECK(context != nullptr);
  xmlCtxtUseOptions(context.get(), XML_PARSE_NONET);
  const int code = xmlParseChunk(context.get(), tag.data(), static_cast<int>(tag.size()), 0);
  if (into.error) {
    return base::Unexpected(*into.error);
  }
  const bool is_all_read = xmlByteConsumed(context.get()) == static_cast<long>(tag.size());
  if (code != 0 || into.elements != 1 || !is_all_read) {
    return base::Unexpected(XmlError::not_well_formed);
  }
  return std::move(into.header);
}

}  // namespace

base::Result<StreamHeader, XmlError> parse_stream_header(std::string_view bytes) {
  thread_local LatestHeaders latest;
  if (const StreamHeader* known = latest.find(bytes)) {
    return *known;
  }
  auto header = read_stream_header(bytes);
  if (!header && header.error() == XmlError::not_well_formed && !base::is_valid_utf8(bytes)) {
    return base::Unexpected(XmlError::unsupported_encoding);
  }
  if (header) {
    latest.keep(bytes, *header);
  }
  return header;
}

base::Result<void, XmlError> check_stream_root(const StreamHeader& header) {
  if (header.root_ns != kStreamsNamespace) {
    return base::Unexpected(XmlError::invalid_namespace);
  }
  if (header.root_name != "stream") {
    return base::Unexpected(XmlError::bad_format);
  }
  return {};
}

}  // namespace rondel::xml
