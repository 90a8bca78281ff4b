#include "xmpp/sasl/plain.h"

#include <cstddef>

#include "base/encoding.h"
#include "base/utf8.h"
#include "xmpp/sasl/saslprep.h"

namespace rondel::xmpp {

PlainMessage::~PlainMessage() {
  base::wipe(password);
}

base::Result<PlainMessage, SaslFailure> parse_plain(std::string_view message) {
  const auto malformed = base::Unexpected(SaslFailure::malformed_request);
  if (message.size() > 3 * kSaslStringBytesMax || !base::is_valid_utf8(message)) {
    return malformed;
  }
  const std::size_t first = message.find('\0');
  if (first == std::string_view::npos) {
    return malformed;
  }
  const std::size_t second = message.find('\0', first + 1);
  if (second == std::string_view::npos ||
      message.find('\0', second + 1) != std::string_view::npos) {
    return malformed;
  }
  const std::string_view password = message.substr(second + 1);
  RONDEL_TRY(std::string username, saslprep(message.substr(first + 1, second - first - 1)));
  if (username.empty() || password.empty() || password.size() > kSaslStringBytesMax ||
      first > kSaslStringBytesMax) {
    return malformed;
  }
  PlainMessage parsed;
  parsed.authzid = message.substr(0, first);
  parsed.username = std::move(username);
  parsed.password.reserve(64);  // on the heap: a move must leave nothing behind
  parsed.password = password;
  return parsed;
}

}  // namespace rondel::xmpp
