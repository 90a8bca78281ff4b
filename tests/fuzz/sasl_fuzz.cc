// Any bytes as SASL messages. The first byte chooses mechanism and offer; a newline parts the
// messages of SCRAM. Nobody gets in: the keys fit no password.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "xmpp/sasl/external.h"
#include "xmpp/sasl/plain.h"
#include "xmpp/sasl/saslprep.h"
#include "xmpp/sasl/scram_server.h"

namespace rondel::xmpp {
namespace {

ScramKey key_of(ScramHash hash) {
  ScramKey key;
  key.hash = hash;
  key.iterations = kScramIterationsMin;
  key.salt = "0123456789abcdef";
  key.stored_key.assign(digest_bytes(hash), '\x55');
  key.server_key.assign(digest_bytes(hash), '\x66');
  return key;
}

void run_scram(std::uint8_t choice, std::string_view text) {
  const ScramMechanism mechanism{static_cast<ScramHash>(choice % 3), (choice & 4) != 0};
  SaslOffer offer{{"SCRAM-SHA-1", "SCRAM-SHA-256"}, {}};
  if ((choice & 8) != 0) {
    offer.mechanisms.push_back("SCRAM-SHA-256-PLUS");
    offer.channel_bindings = {ChannelBindingType::tls_exporter};
  }
  const std::size_t newline = text.find('\n');
  ScramServer server(mechanism, "server");
  const auto identity = server.start(text.substr(0, newline), offer);
  if (!identity) {
    return;
  }
  RONDEL_CHECK(!identity->username.empty() && base::is_valid_utf8(identity->username));
  RONDEL_CHECK(base::is_valid_utf8(identity->authzid));
  RONDEL_CHECK(identity->username.find('\0') == std::string::npos);
  RONDEL_CHECK(identity->channel_binding.has_value() == mechanism.is_plus);
  RONDEL_CHECK(server.challenge(key_of(mechanism.hash)).starts_with("r="));
  const std::string_view client_final =
      newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
  RONDEL_CHECK(!server.finish(client_final, mechanism.is_plus ? "binding" : "").has_value());
}

void run_single(std::string_view text) {
  if (const auto plain = parse_plain(text)) {
    RONDEL_CHECK(!plain->username.empty() && !plain->password.empty());
    RONDEL_CHECK(base::is_valid_utf8(plain->username) && base::is_valid_utf8(plain->password));
    RONDEL_CHECK(plain->username.find('\0') == std::string::npos);
  }
  if (const auto authzid = parse_external(text)) {
    RONDEL_CHECK(*authzid == text);
  }
  if (const auto prepared = saslprep(text)) {
    RONDEL_CHECK(base::is_valid_utf8(*prepared) && prepared->find('\0') == std::string::npos);
  }
  static_cast<void>(parse_scram_mechanism(text));
  static_cast<void>(parse_channel_binding_type(text));
}

}  // namespace
}  // namespace rondel::xmpp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 0x80) != 0) {
    rondel::xmpp::run_single(text);
  } else {
    rondel::xmpp::run_scram(data[0], text);
  }
  return 0;
}
