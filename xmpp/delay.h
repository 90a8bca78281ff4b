// The mark of a stanza that comes late.
#pragma once

#include <cstdint>
#include <string_view>

#include "xml/document.h"
#include "xmpp/jid.h"

namespace rondel::xmpp {

/// Appends `<delay/>`: `from` kept the stanza, which first came at `unix_ms`. Source: XEP-0203 §4.
xml::Element& append_delay(xml::Arena& arena,
                           xml::Element& stanza,
                           JidView from,
                           std::int64_t unix_ms,
                           std::string_view reason = {});

/// True if the stanza says that `from` delayed it: nobody else may say so, so it is checked on
/// input.
[[nodiscard]] bool has_delay_from(const xml::Element& stanza, JidView from);

}  // namespace rondel::xmpp
