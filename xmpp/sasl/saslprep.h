// Preparation of user names and passwords for comparison.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "xmpp/sasl/failure.h"

namespace rondel::xmpp {

/// Bytes of a user name or password before preparation.
inline constexpr std::size_t kSaslStringBytesMax = 4096;

/// The SASLprep form of `text`; printable ASCII is its own. Unassigned code points are let through,
/// as new emoji in passwords would otherwise never match. Source: RFC 4013. Errors:
/// malformed_request for invalid UTF-8, forbidden characters, bad direction, NUL, and more than
/// kSaslStringBytesMax; the empty text stays empty.
[[nodiscard]] base::Result<std::string, SaslFailure> saslprep(std::string_view text);

}  // namespace rondel::xmpp
