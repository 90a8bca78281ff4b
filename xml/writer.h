// Writes trees as XML: the only source of what peers are sent.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "xml/element.h"

namespace rondel::xml {

struct WriteOptions {
  /// The default namespace at the place of writing: that of the stream, "" for a document.
  std::string_view content_namespace = kClientNamespace;
  /// Written as the top element's `to` or `from` in place of what the tree says.
  std::optional<std::string_view> to = std::nullopt;
  std::optional<std::string_view> from = std::nullopt;
  /// Set to where in the buffer the value of that `to` begins.
  std::size_t* to_at = nullptr;
  /// A top element of the streams namespace (features, error) is written with the prefix `stream`
  /// that write_stream_header() binds; old clients know it in no other form (RFC 6120 §4.8.5).
  bool has_stream_prefix = false;
};

/// Appends the element and all in it; no recursion.
///
/// An element is given an xmlns only where its namespace is not its parent's, so that the same
/// bytes are right on every stream whose content namespace is `content_namespace`. Every namespace
/// used is declared in the bytes written. Characters that XML forbids become U+FFFD.
void write(const Element& element, base::ByteBuffer& out, const WriteOptions& options = {});

/// The element as a document of its own, readable by parse_standalone().
[[nodiscard]] std::string to_text(const Element& element);

/// Appends `value` fit for an attribute in either kind of quotes.
void escape_attribute(std::string_view value, base::ByteBuffer& out);
/// Appends `value` fit for character data.
void escape_text(std::string_view value, base::ByteBuffer& out);

/// What our side says when it opens its stream (RFC 6120 §4.7); empty members are left out.
struct StreamHeaderFields {
  std::string_view content_namespace = kClientNamespace;
  std::string_view to = {};
  std::string_view from = {};
  std::string_view id = {};
  std::string_view version = "1.0";
  std::string_view lang = {};
  bool has_dialback = false;  ///< Declares the prefix db (XEP-0220).
};

/// Appends `<?xml version='1.0'?><stream:stream ...>`.
void write_stream_header(const StreamHeaderFields& fields, base::ByteBuffer& out);

inline constexpr std::string_view kStreamEndTag = "</stream:stream>";

}  // namespace rondel::xml
