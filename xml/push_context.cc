#include "xml/push_context.h"

#include <cstring>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <string>

#include "base/byte_buffer.h"
#include "base/check.h"
#include "base/utf8.h"
#include "xml/libxml_guard.h"
#include "xml/well_known.h"
#include "xml/writer.h"

namespace rondel::xml {
namespace {

// libxml2's dictionary never forgets a name and slows down as it grows.
constexpr int kNewNamesMax = 2048;
// Its column counter is an int and wraps.
constexpr std::size_t kBytesFedMax = std::size_t{1} << 30;
// Its input buffer never shrinks.
constexpr std::size_t kLargestBytesMax = std::size_t{1} << 20;

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

std::string synthetic_root(const StreamNamespaces& namespaces) {
  base::ByteBuffer root;
  root.append("<stream");  // libxml2 waits for four bytes
  const auto declare = [&root](std::string_view prefix, std::string_view ns) {
    root.append(" xmlns");
    root.append(prefix.empty() ? "" : ":");
    root.append(prefix);
    root.append("='");
    escape_attribute(ns, root);
    root.append('\'');
  };
  if (!namespaces.content().empty()) {
    declare({}, namespaces.content());
  }
  for (const auto& [prefix, ns] : namespaces.bindings().prefixes) {
    declare(prefix, ns);
  }
  root.append('>');
  return std::string(root.text());
}

}  // namespace

/// What libxml2 calls; its user data is the PushContext.
struct PushContext::Callbacks {
  static PushContext& self(void* user) { return *static_cast<PushContext*>(user); }

  static void fail(void* user, XmlError error) {
    PushContext& context = self(user);
    context.builder_.fail(error);
    if (context.context_ != nullptr) {
      xmlStopParser(static_cast<xmlParserCtxtPtr>(context.context_));
    }
  }

  static void start_element(void* user,
                            const xmlChar* name,
                            const xmlChar* prefix,
                            const xmlChar* ns,
                            int,
                            const xmlChar**,
                            int attribute_count,
                            int,
                            const xmlChar** attributes) {
    PushContext& context = self(user);
    if (!context.is_primed_) {
      context.is_primed_ = true;
      return;
    }
    if (prefix != nullptr && ns == nullptr) {
      return fail(user, XmlError::not_well_formed);
    }
    TreeBuilder& builder = context.builder_;
    const auto resolve = [&context](std::string_view text) {
      return resolve_ampersands(text, context.scratch_);
    };
    builder.start_element(view(name), context.resolve_namespace(ns));
    for (int index = 0; index < attribute_count; ++index, attributes += 5) {
      if (attributes[1] != nullptr && attributes[2] == nullptr) {
        return fail(user, XmlError::not_well_formed);
      }
      const auto* value = reinterpret_cast<const char*>(attributes[3]);
      const auto* end = reinterpret_cast<const char*>(attributes[4]);
      // One after the other: both may need the scratch.
      builder.add_attribute(view(attributes[0]), context.resolve_namespace(attributes[2]));
      builder.set_value(resolve({value, static_cast<std::size_t>(end - value)}));
    }
    if (builder.has_failed()) {
      fail(user, builder.error());
    }
  }

  static void end_element(void* user, const xmlChar*, const xmlChar*, const xmlChar*) {
    self(user).builder_.end_element();
  }

  static void characters(void* user, const xmlChar* text, int size) {
    self(user).builder_.add_text(
        {reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)});
  }

  /// libxml2 2.9 takes overlong sequences in a CDATA section, and nowhere else; our writer would
  /// hand them on in text, where every reader ends the stream.
  static void cdata(void* user, const xmlChar* text, int size) {
    if (!base::is_valid_utf8(
            {reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)})) {
      return fail(user, XmlError::not_well_formed);
    }
    characters(user, text, size);
  }

  /// Asked only for entities other than the five of XML itself.
  static xmlEntityPtr get_entity(void* user, const xmlChar*) {
    fail(user, XmlError::restricted_xml);
    return nullptr;
  }
  static void reference(void* user, const xmlChar*) { fail(user, XmlError::restricted_xml); }
  static void comment(void* user, const xmlChar*) { fail(user, XmlError::restricted_xml); }
  static void instruction(void* user, const xmlChar*, const xmlChar*) {
    fail(user, XmlError::restricted_xml);
  }
  static void subset(void* user, const xmlChar*, const xmlChar*, const xmlChar*) {
    fail(user, XmlError::restricted_xml);
  }
  static void entity(void* user, const xmlChar*, int, const xmlChar*, const xmlChar*, xmlChar*) {
    fail(user, XmlError::restricted_xml);
  }

#if LIBXML_VERSION >= 21200
  using ErrorPointer = const xmlError*;
#else
  using ErrorPointer = xmlErrorPtr;
#endif
  static void error(void* user, ErrorPointer report) {
    if (const auto judged = judge_libxml_error(report->code)) {
      self(user).builder_.fail(*judged);
    }
  }

  static xmlSAXHandler table() {
    xmlSAXHandler sax;
    std::memset(&sax, 0, sizeof sax);
    sax.initialized = XML_SAX2_MAGIC;
    sax.startElementNs = start_element;
    sax.endElementNs = end_element;
    // One function behind both, or libxml2 may drop blanks.
    sax.characters = sax.ignorableWhitespace = characters;
    sax.cdataBlock = cdata;
    sax.getEntity = get_entity;
    sax.reference = reference;
    sax.comment = comment;
    sax.processingInstruction = instruction;
    sax.internalSubset = subset;
    sax.externalSubset = subset;
    sax.entityDecl = entity;
    sax.serror = error;
    return sax;
  }
};

PushContext::PushContext(StreamNamespaces namespaces) : namespaces_(std::move(namespaces)) {
  prepare_libxml();
  xmlSAXHandler sax = Callbacks::table();
  auto* context = xmlCreatePushParserCtxt(&sax, this, nullptr, 0, nullptr);
  RONDEL_CHECK(context != nullptr);
  context_ = context;
  // Nothing but this: no option may resolve, recover or load anything.
  xmlCtxtUseOptions(context, XML_PARSE_NONET);
  const std::string root = synthetic_root(namespaces_);
  builder_.begin();
  const int code = xmlParseChunk(context, root.data(), static_cast<int>(root.size()), 0);
  RONDEL_CHECK(code == 0 && is_primed_);
  names_at_start_ = xmlDictSize(context->dict);
}

PushContext::~PushContext() {
  auto* context = static_cast<xmlParserCtxtPtr>(context_);
  // Our callbacks build no document; libxml2 makes one all the same where an entity is declared.
  xmlFreeDoc(context->myDoc);
  xmlFreeParserCtxt(context);
}

std::string_view PushContext::resolve_namespace(const unsigned char* name) {
  if (name == nullptr) {
    return {};
  }
  // Its dictionary has each name once and forgets none, so the address stands for the text.
  KnownNamespace& slot = known_[(reinterpret_cast<std::uintptr_t>(name) >> 3) % kKnownNamespaces];
  if (slot.name == name) {
    return slot.ns;
  }
  const std::string_view ns = resolve_ampersands(view(name), scratch_);
  const std::string_view known = well_known_namespace(ns);
  if (known.empty()) {
    return ns;
  }
  slot = {name, known};
  return known;
}

std::int64_t PushContext::bytes_read() const {
  return xmlByteConsumed(static_cast<xmlParserCtxtPtr>(context_));
}

base::Result<Document, XmlError> PushContext::parse(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > kParserBytesMax) {
    return base::Unexpected(bytes.empty() ? XmlError::not_well_formed : XmlError::policy_violation);
  }
  builder_.begin();
  bytes_fed_ += bytes.size();
  largest_bytes_ = largest_bytes_ < bytes.size() ? bytes.size() : largest_bytes_;
  const std::int64_t read_before = bytes_read();
  const int code = xmlParseChunk(static_cast<xmlParserCtxtPtr>(context_), bytes.data(),
                                 static_cast<int>(bytes.size()), 0);
  if (builder_.has_failed()) {
    return base::Unexpected(builder_.error());
  }
  // libxml2 may wait without an error; what it still holds would meet the next stanza.
  const bool is_all_read = bytes_read() - read_before == static_cast<std::int64_t>(bytes.size());
  if (code != 0 || !builder_.is_complete() || !is_all_read) {
    return base::Unexpected(XmlError::not_well_formed);
  }
  return builder_.take();
}

bool PushContext::is_worn_out() const {
  const int names = xmlDictSize(static_cast<xmlParserCtxtPtr>(context_)->dict);
  return names - names_at_start_ > kNewNamesMax || bytes_fed_ > kBytesFedMax ||
         largest_bytes_ > kLargestBytesMax;
}

}  // namespace rondel::xml
