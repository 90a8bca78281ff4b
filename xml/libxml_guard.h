// What every use of libxml2 in this room shares.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "xml/xml_error.h"

namespace rondel::xml {

/// Prepares libxml2 once for the process: threads, and no external entity from anywhere.
void prepare_libxml();

/// What a report of libxml2 means for the stream; nothing for the two that are harmless.
[[nodiscard]] std::optional<XmlError> judge_libxml_error(int code);

/// The value of an attribute or namespace as libxml2 reports it to SAX, in the text it stands for.
///
/// Without XML_PARSE_NOENT libxml2 leaves each ampersand as "&#38;" for a tree builder of its own
/// to resolve. Whether the linked version does so is tried out once, so that no literal "&#38;" is
/// ever resolved twice. The view is `value` itself, or lives in `scratch`.
[[nodiscard]] std::string_view resolve_ampersands(std::string_view value, std::string& scratch);

/// The limit of nesting for callers that have no framer in front: far above every framer's.
inline constexpr unsigned kParserDepthMax = 1024;
/// libxml2 counts in int; no stanza comes near.
inline constexpr std::size_t kParserBytesMax = 64 * 1024 * 1024;

}  // namespace rondel::xml
