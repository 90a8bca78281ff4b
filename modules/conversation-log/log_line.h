// A message as one line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "xmpp/stanza.h"

namespace rondel::modules::conversation_log {

/// "time<TAB>outcome<TAB>from<TAB>to<TAB>type<TAB>id<TAB>body" without a line end; control
/// characters of a peer are escaped, so that tabs and line ends are ours.
[[nodiscard]] std::string log_line(const xmpp::Stanza& message,
                                   std::int64_t unix_ms,
                                   std::string_view outcome);

}  // namespace rondel::modules::conversation_log
