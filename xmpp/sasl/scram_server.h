// The server's side of one SCRAM exchange.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "xmpp/sasl/channel_binding.h"
#include "xmpp/sasl/failure.h"
#include "xmpp/sasl/scram_key.h"

namespace rondel::xmpp {

/// Bytes of one SCRAM message after base64.
inline constexpr std::size_t kScramMessageBytesMax = 4096;

/// Who the client says it is; nothing of it is proven before finish() succeeds.
struct ScramIdentity {
  std::string username;                               ///< SASLprep'd; the core makes a JID of it.
  std::string authzid;                                ///< As sent, unescaped; empty: none.
  std::optional<ChannelBindingType> channel_binding;  ///< What finish() wants the data of.
};

/// One exchange: start, challenge, finish, each once and in this order.
/// Source: RFC 5802, RFC 7677, XEP-0474 0.5 (attribute h). Thread: any one at a time.
class ScramServer {
 public:
  /// `server_nonce` empty: a random one. A given one is for tests with known answers.
  explicit ScramServer(ScramMechanism mechanism, std::string_view server_nonce = {});
  /// Takes the client-first-message, decoded from base64.
  /// Errors: malformed_request; not_authorized where the client saw fewer mechanisms than were
  /// offered.
  [[nodiscard]] base::Result<ScramIdentity, SaslFailure> start(std::string_view client_first,
                                                               const SaslOffer& offer);
  /// The server-first-message for this key (of the mechanism's hash), or for a fake one. Attribute
  /// h is in it if the offer lists mechanisms.
  [[nodiscard]] std::string challenge(ScramKey key);
  /// Checks the client-final-message against the key and the data of the binding that the client
  /// chose (empty without one); gives the server-final-message. Errors: malformed_request,
  /// not_authorized; temporary_auth_failure if a binding's data is empty.
  [[nodiscard]] base::Result<std::string, SaslFailure> finish(
      std::string_view client_final, std::string_view channel_binding_data = {});

 private:
  enum class State : std::uint8_t { initial, started, challenged, over };

  [[nodiscard]] base::Result<ScramIdentity, SaslFailure> parse_gs2_header(
      std::string_view& rest, const SaslOffer& offer) const;
  [[nodiscard]] base::Result<ScramIdentity, SaslFailure> parse_client_first(
      std::string_view message, const SaslOffer& offer);

  ScramMechanism mechanism_;
  State state_ = State::initial;
  std::string server_nonce_;
  std::string nonce_;  ///< The client's, then ours.
  std::string gs2_header_;
  std::string client_first_bare_;
  std::string server_first_;
  std::string offer_hash_;  ///< XEP-0474, base64.
  ScramKey key_;
};

/// The value of attribute h: what the server advertised, hashed. Source: XEP-0474 §5.1.
[[nodiscard]] std::string hash_of_offer(ScramHash hash, const SaslOffer& offer);

}  // namespace rondel::xmpp
