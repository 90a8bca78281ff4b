// The mark of a stanza that comes late.
#pragma once

#include <cstddef>
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

/// Takes out every `<delay/>` that claims to come from `from` (compared as addresses), such as our
/// own host on what a client sends; gives their number.
std::size_t remove_delays_from(xml::Element& stanza, JidView from);

}  // namespace rondel::xmpp
