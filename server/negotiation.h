// A stream on its way to a bound resource; for this room's stream sources.
#pragma once

#include <cstdint>
#include <memory>

#include "server/sasl_negotiation.h"
#include "server/stream.h"
#include "xml/document.h"
#include "xmpp/jid.h"

namespace rondel::server {

/// RFC 6120 §7.7.3 asks for 5 to 10.
inline constexpr int kBindingTriesMax = 10;

/// Owner: the stream, until a resource is bound or the stream has ended.
struct Stream::Negotiation {
  std::unique_ptr<SaslNegotiation> sasl;        ///< Until authentication has succeeded.
  std::unique_ptr<xml::Document> bind_request;  ///< On the way to the home shard.
  xmpp::Jid claimed;           ///< The bare JID of the last header's 'from'; empty: none.
  bool is_versioned = true;    ///< Whether the last header had a version.
  xmpp::Jid account;           ///< Once authenticated: its bare JID.
  std::uint64_t began_ms = 0;  ///< Of the authentication, monotonic: it relied on what was then.
  int failures = 0;            ///< Of authentications.
  int refused_bindings = 0;
  bool is_temporary = false;                        ///< The account is none: see api::AuthIdentity.
  std::unique_ptr<api::ModuleState> session_state;  ///< For the session to be; may be null.
  std::uint8_t session_slot = 0;
};

}  // namespace rondel::server
