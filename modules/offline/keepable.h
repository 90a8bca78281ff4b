// Which messages wait for their receiver.
#pragma once

#include <cstdint>

#include "xmpp/stanza.h"

namespace rondel::modules::offline {

/// What becomes of a message that nobody can take now.
enum class Keep : std::uint8_t {
  yes,
  no,      ///< Its sender wants to know that it was not delivered.
  silent,  ///< Of no use later, and nobody misses it.
};

/// Source: XEP-0160 §3 (types, chat states), XEP-0334 §4 (hints).
[[nodiscard]] Keep may_keep(const xmpp::Stanza& message);

}  // namespace rondel::modules::offline
