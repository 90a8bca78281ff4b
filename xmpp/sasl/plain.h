// The one message of PLAIN.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "xmpp/sasl/failure.h"

namespace rondel::xmpp {

/// What a PLAIN message holds; the password is wiped when it goes.
struct PlainMessage {
  std::string authzid;   ///< As sent; empty: none.
  std::string username;  ///< SASLprep'd, not empty.
  std::string password;  ///< As sent: the key derivation prepares it.

  PlainMessage() = default;
  PlainMessage(PlainMessage&&) noexcept = default;
  PlainMessage& operator=(PlainMessage&&) noexcept = default;
  ~PlainMessage();
};

/// `[authzid] NUL authcid NUL passwd`, decoded from base64. Source: RFC 4616 §2. Errors:
/// malformed_request (other than two NULs, empty user name or password, invalid UTF-8, too long).
[[nodiscard]] base::Result<PlainMessage, SaslFailure> parse_plain(std::string_view message);

}  // namespace rondel::xmpp
