// What every use of libxml2 in this room shares.
#pragma once

#include <optional>
#include <string_view>

#include "xml/xml_error.h"

namespace rondel::xml {

/// Prepares libxml2 once for the process: threads, and no external entity from anywhere.
void prepare_libxml();

/// What a report of libxml2 means for the stream; nothing for the two that are harmless.
[[nodiscard]] std::optional<XmlError> judge_libxml_error(int domain, int code);

/// The limit of nesting for callers that have no framer in front: far above every framer's.
inline constexpr unsigned kParserDepthMax = 1024;
/// libxml2 counts in int; no stanza comes near.
inline constexpr std::size_t kParserBytesMax = 64 * 1024 * 1024;

}  // namespace rondel::xml
