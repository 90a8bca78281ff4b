// Reads the start tag that opens a stream.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "xml/stream_namespaces.h"
#include "xml/xml_error.h"

namespace rondel::xml {

/// What a peer said when it opened its stream, unchecked but for its form.
///
/// Source: RFC 6120 §4.7, §4.8.
struct StreamHeader {
  std::optional<std::string> to;
  std::optional<std::string> from;
  std::optional<std::string> id;
  std::optional<std::string> version;
  std::optional<std::string> lang;
  std::string root_name;    ///< "stream" in every good header.
  std::string root_prefix;  ///< May be empty when the root is in the default namespace.
  std::string root_ns;
  StreamNamespaces namespaces = StreamNamespaces::none();  ///< With the default namespace in it.

  [[nodiscard]] std::string_view content_namespace() const { return namespaces.content(); }
};

/// Reads what Framer reported as stream_open: an optional XML declaration and the root's start tag.
///
/// Errors: unsupported_encoding for an XML declaration that names anything but UTF-8, or a byte
/// order mark of UTF-16 or UTF-32; otherwise as ThreadParser::parse.
[[nodiscard]] base::Result<StreamHeader, XmlError> parse_stream_header(std::string_view bytes);

/// Whether the root is what RFC 6120 §4.8 asks for.
///
/// Errors: invalid_namespace for a root outside the streams namespace (§4.9.3.10), bad_format for
/// another root element there (§4.9.3.1).
[[nodiscard]] base::Result<void, XmlError> check_stream_root(const StreamHeader& header);

}  // namespace rondel::xml
