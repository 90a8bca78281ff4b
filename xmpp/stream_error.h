// Errors that end a stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/byte_buffer.h"
#include "xml/document.h"
#include "xml/xml_error.h"

namespace rondel::xmpp {

/// The defined conditions. Source: RFC 6120 §4.9.3.
enum class StreamErrorCondition : std::uint8_t {
  bad_format,
  bad_namespace_prefix,
  conflict,
  connection_timeout,
  host_gone,
  host_unknown,
  improper_addressing,
  internal_server_error,
  invalid_from,
  invalid_namespace,
  invalid_xml,
  not_authorized,
  not_well_formed,
  policy_violation,
  remote_connection_failed,
  reset,
  resource_constraint,
  restricted_xml,
  see_other_host,
  system_shutdown,
  undefined_condition,
  unsupported_encoding,
  unsupported_feature,
  unsupported_stanza_type,
  unsupported_version,
};
inline constexpr std::size_t kStreamErrorConditions = 25;

/// The name of the condition's element: "not-well-formed".
[[nodiscard]] std::string_view to_text(StreamErrorCondition condition);
[[nodiscard]] std::optional<StreamErrorCondition> parse_stream_error_condition(
    std::string_view element_name);
/// One sentence for the person at the other end.
[[nodiscard]] std::string_view default_text(StreamErrorCondition condition);
/// The condition that a fault of the peer's XML ends its stream with.
[[nodiscard]] StreamErrorCondition to_stream_error(xml::XmlError error);

/// An error as it is sent.
struct StreamError {
  StreamErrorCondition condition;
  std::optional<std::string_view> text =
      std::nullopt;               ///< None: default_text(); "": no text element.
  std::string_view content = {};  ///< Of see-other-host: "host" or "host:port".

  StreamError(StreamErrorCondition which,  // NOLINT(google-explicit-constructor)
              std::optional<std::string_view> said = std::nullopt)
      : condition(which), text(said) {}
};

/// The tree of `<stream:error/>`. Source: RFC 6120 §4.9.2.
[[nodiscard]] xml::Document make_stream_error(const StreamError& error);
/// Appends `<stream:error/>`, with the prefix that the stream header binds; the end tag of the
/// stream is the caller's to write.
void write_stream_error(const StreamError& error, base::ByteBuffer& out);

}  // namespace rondel::xmpp
