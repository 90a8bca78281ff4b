// The check of text that did not come through the XML parser, such as SASL messages.
#pragma once

#include <string_view>

namespace rondel::xmpp {

/// True for UTF-8 without overlong forms, surrogates and what lies beyond U+10FFFF. Source: RFC
/// 3629 §4.
[[nodiscard]] bool is_valid_utf8(std::string_view text);

}  // namespace rondel::xmpp
