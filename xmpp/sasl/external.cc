#include "xmpp/sasl/external.h"

#include "base/utf8.h"
#include "xmpp/sasl/saslprep.h"

namespace rondel::xmpp {

base::Result<std::string, SaslFailure> parse_external(std::string_view message) {
  if (message.size() > kSaslStringBytesMax || message.find('\0') != std::string_view::npos ||
      !base::is_valid_utf8(message)) {
    return base::Unexpected(SaslFailure::malformed_request);
  }
  return std::string(message);
}

}  // namespace rondel::xmpp
