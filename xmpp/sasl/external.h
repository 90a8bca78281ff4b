// The one message of EXTERNAL.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "xmpp/sasl/failure.h"

namespace rondel::xmpp {

/// The authorization identity that an EXTERNAL message asks for; empty: the one of the certificate.
/// Source: RFC 4422 appendix A. Errors: malformed_request (NUL, invalid UTF-8, too long).
[[nodiscard]] base::Result<std::string, SaslFailure> parse_external(std::string_view message);

}  // namespace rondel::xmpp
