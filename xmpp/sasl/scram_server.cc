#include "xmpp/sasl/scram_server.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/encoding.h"
#include "base/random.h"
#include "base/utf8.h"
#include "xmpp/sasl/digest.h"
#include "xmpp/sasl/saslprep.h"

namespace rondel::xmpp {
namespace {

using base::Result;
using base::Unexpected;

constexpr std::size_t kNonceRandomBytes = 24;
constexpr std::size_t kNonceBytesMax = 512;

Unexpected<SaslFailure> malformed() {
  return Unexpected(SaslFailure::malformed_request);
}

/// Takes what stands before the next comma, and the comma; the last piece needs none.
std::string_view take_piece(std::string_view& rest) {
  const std::size_t comma = rest.find(',');
  const std::string_view piece = rest.substr(0, comma);
  rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  return piece;
}

/// "=2C" is ',', "=3D" is '='; any other '=' is wrong. Source: RFC 5802 §5.1.
Result<std::string, SaslFailure> unescape_saslname(std::string_view text) {
  std::string name;
  while (!text.empty()) {
    if (text.front() != '=') {
      name += text.front();
      text.remove_prefix(1);
    } else if (text.starts_with("=2C") || text.starts_with("=3D")) {
      name += text[1] == '2' ? ',' : '=';
      text.remove_prefix(3);
    } else {
      return malformed();
    }
  }
  return name;
}

/// Printable ASCII without the comma.
bool is_nonce(std::string_view text) {
  return !text.empty() && text.size() <= kNonceBytesMax &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x21 && c <= 0x7e && c != ','; });
}

/// Attributes that we don't know are passed over if they have the form of one, as RFC 5802 §5.1
/// wants; "m" announces what must be understood.
bool is_optional_extension(std::string_view piece) {
  const bool is_letter = !piece.empty() && ((piece[0] >= 'a' && piece[0] <= 'z') ||
                                            (piece[0] >= 'A' && piece[0] <= 'Z'));
  return is_letter && piece[0] != 'm' && piece.size() > 2 && piece[1] == '=';
}

bool is_text_of_message(std::string_view message) {
  return message.size() <= kScramMessageBytesMax && message.find('\0') == std::string_view::npos &&
         base::is_valid_utf8(message);
}

std::string joined(std::vector<std::string_view> parts) {
  // char_traits<char> compares as unsigned bytes: the collation i;octet.
  std::sort(parts.begin(), parts.end());
  std::string text;
  for (const std::string_view part : parts) {
    if (!text.empty()) {
      text += '\x1e';
    }
    text += part;
  }
  return text;
}

}  // namespace

std::string hash_of_offer(ScramHash hash, const SaslOffer& offer) {
  std::string text = joined({offer.mechanisms.begin(), offer.mechanisms.end()});
  if (!offer.channel_bindings.empty()) {
    std::vector<std::string_view> bindings;
    for (const ChannelBindingType type : offer.channel_bindings) {
      bindings.push_back(to_text(type));
    }
    text += '\x1f';
    text += joined(std::move(bindings));
  }
  return base::base64_encode(digest(hash, text));
}

ScramServer::ScramServer(ScramMechanism mechanism, std::string_view server_nonce)
    : mechanism_(mechanism),
      server_nonce_(server_nonce.empty() ? base::random_token(kNonceRandomBytes)
                                         : std::string(server_nonce)) {
  RONDEL_CHECK(is_nonce(server_nonce_));
}

Result<ScramIdentity, SaslFailure> ScramServer::start(std::string_view client_first,
                                                      const SaslOffer& offer) {
  RONDEL_CHECK(state_ == State::initial);
  state_ = State::over;  // until it went well
  RONDEL_TRY(ScramIdentity identity, parse_client_first(client_first, offer));
  if (!offer.mechanisms.empty()) {
    offer_hash_ = hash_of_offer(mechanism_.hash, offer);
  }
  state_ = State::started;
  return identity;
}

/// gs2-cbind-flag "," [authzid] "," — and whether the flag fits mechanism and offer.
Result<ScramIdentity, SaslFailure> ScramServer::parse_gs2_header(std::string_view& rest,
                                                                 const SaslOffer& offer) const {
  ScramIdentity identity;
  const std::string_view flag = take_piece(rest);
  if (flag.starts_with("p=")) {
    identity.channel_binding = parse_channel_binding_type(flag.substr(2));
    if (!mechanism_.is_plus || !identity.channel_binding ||
        !offer.has_channel_binding(*identity.channel_binding)) {
      return malformed();
    }
  } else if ((flag != "y" && flag != "n") || mechanism_.is_plus) {
    return malformed();
  } else if (flag == "y" && offer.has_plus()) {
    // The client can bind and saw no PLUS, but we offered it: somebody took it out on the way.
    return Unexpected(SaslFailure::not_authorized);
  }
  const std::string_view authzid = take_piece(rest);
  if (!authzid.empty()) {
    if (!authzid.starts_with("a=") || authzid.size() == 2) {
      return malformed();
    }
    RONDEL_TRY(identity.authzid, unescape_saslname(authzid.substr(2)));
  }
  return identity;
}

Result<ScramIdentity, SaslFailure> ScramServer::parse_client_first(std::string_view message,
                                                                   const SaslOffer& offer) {
  if (!is_text_of_message(message) || std::count(message.begin(), message.end(), ',') < 3) {
    return malformed();
  }
  std::string_view rest = message;
  RONDEL_TRY(ScramIdentity identity, parse_gs2_header(rest, offer));
  gs2_header_ = message.substr(0, message.size() - rest.size());
  client_first_bare_ = rest;

  const std::string_view username = take_piece(rest);
  if (!username.starts_with("n=")) {  // also "m=", which must be understood and isn't
    return malformed();
  }
  RONDEL_TRY(const std::string unescaped, unescape_saslname(username.substr(2)));
  RONDEL_TRY(identity.username, saslprep(unescaped));
  const std::string_view nonce = take_piece(rest);
  if (identity.username.empty() || !nonce.starts_with("r=") || !is_nonce(nonce.substr(2)) ||
      client_first_bare_.ends_with(',')) {
    return malformed();
  }
  while (!rest.empty()) {
    if (!is_optional_extension(take_piece(rest))) {
      return malformed();
    }
  }
  nonce_ = nonce.substr(2);
  nonce_ += server_nonce_;
  return identity;
}

std::string ScramServer::challenge(ScramKey key) {
  RONDEL_CHECK(state_ == State::started && key.hash == mechanism_.hash && !key.salt.empty());
  state_ = State::challenged;
  key_ = std::move(key);
  server_first_ = "r=" + nonce_ + ",s=" + base::base64_encode(key_.salt) +
                  ",i=" + std::to_string(key_.iterations);
  if (!offer_hash_.empty()) {
    server_first_ += ",h=" + offer_hash_;
  }
  return server_first_;
}

Result<std::string, SaslFailure> ScramServer::finish(std::string_view client_final,
                                                     std::string_view channel_binding_data) {
  RONDEL_CHECK(state_ == State::challenged);
  state_ = State::over;
  if (mechanism_.is_plus && channel_binding_data.empty()) {
    return Unexpected(SaslFailure::temporary_auth_failure);  // an empty binding would bind nothing
  }
  if (!is_text_of_message(client_final)) {
    return malformed();
  }
  const std::size_t proof_at = client_final.rfind(",p=");
  if (proof_at == std::string_view::npos) {
    return malformed();
  }
  const std::string_view without_proof = client_final.substr(0, proof_at);
  const auto proof = base::base64_decode(client_final.substr(proof_at + 3));
  std::string_view rest = without_proof;
  const std::string_view binding = take_piece(rest);
  const std::string_view nonce = take_piece(rest);
  if (!binding.starts_with("c=") || !nonce.starts_with("r=") || without_proof.ends_with(',') ||
      !proof || proof->size() != digest_bytes(mechanism_.hash)) {
    return malformed();
  }
  while (!rest.empty()) {
    if (!is_optional_extension(take_piece(rest))) {
      return malformed();
    }
  }
  const auto sent_binding = base::base64_decode(binding.substr(2));
  if (!sent_binding) {
    return malformed();
  }
  const bool is_bound =
      base::equal_constant_time(*sent_binding, gs2_header_ + std::string(channel_binding_data));
  const bool is_our_nonce = base::equal_constant_time(nonce.substr(2), nonce_);

  const std::string message =
      client_first_bare_ + ',' + server_first_ + ',' + std::string(without_proof);
  const ScramHash hash = mechanism_.hash;
  std::string client_key = exclusive_or(*proof, hmac(hash, key_.stored_key, message));
  const bool is_proven = base::equal_constant_time(digest(hash, client_key), key_.stored_key);
  const std::string signature = hmac(hash, key_.server_key, message);
  base::wipe(client_key);
  // Every part is computed in every case: what is wrong must not show in the time.
  if ((static_cast<unsigned>(is_bound) & static_cast<unsigned>(is_our_nonce) &
       static_cast<unsigned>(is_proven) & static_cast<unsigned>(!key_.is_fake)) == 0) {
    return Unexpected(SaslFailure::not_authorized);
  }
  return "v=" + base::base64_encode(signature);
}

}  // namespace rondel::xmpp
