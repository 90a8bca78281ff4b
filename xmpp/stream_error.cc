#include "xmpp/stream_error.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "xml/writer.h"
#include "xmpp/namespaces.h"

namespace rondel::xmpp {
namespace {

struct Condition {
  std::string_view name;
  std::string_view text;
};

/// In the order of the enumeration. Source: RFC 6120 §4.9.3.1 to §4.9.3.25.
constexpr std::array<Condition, kStreamErrorConditions> kConditions{{
    {"bad-format", "This XML can't be processed here."},
    {"bad-namespace-prefix", "A namespace prefix is not declared."},
    {"conflict", "A newer stream takes the place of this one."},
    {"connection-timeout", "Nothing was heard from you for too long."},
    {"host-gone", "This domain is no longer served here."},
    {"host-unknown", "This domain is not served here."},
    {"improper-addressing", "An address is missing or wrong."},
    {"internal-server-error", "The server met an error of its own."},
    {"invalid-from", "The sender's address is not yours."},
    {"invalid-namespace", "The namespace of the stream is wrong."},
    {"invalid-xml", "The XML is not valid."},
    {"not-authorized", "Authenticate first."},
    {"not-well-formed", "The XML is not well-formed."},
    {"policy-violation", "A limit of this server was exceeded."},
    {"remote-connection-failed", "A server that is needed can't be reached."},
    {"reset", "Please connect again."},
    {"resource-constraint", "The server has no resources left for this."},
    {"restricted-xml", "Comments, processing instructions, DTDs and entities are forbidden."},
    {"see-other-host", "Please connect to another host."},
    {"system-shutdown", "The server is shutting down."},
    {"undefined-condition", "The stream ends for a reason of its own."},
    {"unsupported-encoding", "Only UTF-8 is understood."},
    {"unsupported-feature", "A feature that you require is not there."},
    {"unsupported-stanza-type", "There is no such stanza."},
    {"unsupported-version", "This version of XMPP is not spoken here."},
}};

const Condition& data_of(StreamErrorCondition condition) {
  return kConditions[static_cast<std::size_t>(condition)];
}

}  // namespace

std::string_view to_text(StreamErrorCondition condition) {
  return data_of(condition).name;
}

std::optional<StreamErrorCondition> parse_stream_error_condition(std::string_view element_name) {
  const auto* const found =
      std::find_if(kConditions.begin(), kConditions.end(),
                   [&](const Condition& condition) { return condition.name == element_name; });
  if (found == kConditions.end()) {
    return std::nullopt;
  }
  return static_cast<StreamErrorCondition>(found - kConditions.begin());
}

std::string_view default_text(StreamErrorCondition condition) {
  return data_of(condition).text;
}

StreamErrorCondition to_stream_error(xml::XmlError error) {
  switch (error) {
    case xml::XmlError::bad_format:
      return StreamErrorCondition::bad_format;
    case xml::XmlError::invalid_namespace:
      return StreamErrorCondition::invalid_namespace;
    case xml::XmlError::not_well_formed:
      return StreamErrorCondition::not_well_formed;
    case xml::XmlError::policy_violation:
      return StreamErrorCondition::policy_violation;
    case xml::XmlError::restricted_xml:
      return StreamErrorCondition::restricted_xml;
    case xml::XmlError::unsupported_encoding:
      return StreamErrorCondition::unsupported_encoding;
  }
  RONDEL_CHECK(false);
}

xml::Document make_stream_error(const StreamError& error) {
  xml::Document document = xml::Document::create("error", ns::kStreams);
  xml::ElementBuilder builder(document);
  builder.child(to_text(error.condition), ns::kStreamErrors);
  if (!error.content.empty()) {
    builder.text(error.content);
  }
  builder.up();
  const std::string_view text = error.text.value_or(default_text(error.condition));
  if (!text.empty()) {
    builder.child("text", ns::kStreamErrors).lang("en").text(text);
  }
  return document;
}

void write_stream_error(const StreamError& error, base::ByteBuffer& out) {
  const xml::Document document = make_stream_error(error);
  xml::WriteOptions options;
  options.has_stream_prefix = true;
  xml::write(document.root(), out, options);
}

}  // namespace rondel::xmpp
