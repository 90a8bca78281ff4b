// Takes forged stanza ids out of a stanza.
#pragma once

#include <cstddef>

#include "base/unique_function.h"
#include "xml/element.h"
#include "xmpp/jid.h"

namespace rondel::modules::stanza_ids {

/// True if there is a `<stanza-id/>` below `stanza`. Cost: one comparison of lengths for each
/// element, and of texts for what is of that namespace.
[[nodiscard]] bool has_stanza_ids(const xml::Element& stanza);

/// Removes every `<stanza-id/>` below `stanza`, however deep, whose `by` is an address that
/// `is_forged` says yes to, or no address at all; gives their number. Source: XEP-0359 §6 (rule 3).
std::size_t strip_stanza_ids(xml::Element& stanza,
                             base::UniqueFunction<bool(xmpp::JidView by)> is_forged);

}  // namespace rondel::modules::stanza_ids
