// One way to write a tree down, whoever has read it: ours, libxml2's DOM, expat.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "xml/element.h"

namespace rondel::xml {

/// `{ns}name[{ns}attr=value,...](content)`, attributes sorted, texts joined.
[[nodiscard]] std::string canonical(const Element& element);

/// The same of an XML document read by another parser; nothing when that parser refuses it.
[[nodiscard]] std::optional<std::string> canonical_by_libxml2(std::string_view document);
[[nodiscard]] std::optional<std::string> canonical_by_expat(std::string_view document);

}  // namespace rondel::xml
