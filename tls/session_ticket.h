// The message by which a client may resume its session; for this room's sources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/byte_buffer.h"
#include "tls/key_derivation.h"
#include "tls/ticket_keys.h"

struct evp_cipher_st;
struct ssl_session_st;

namespace rondel::tls {

/// What a resumption needs of a connection that was shaken hands on.
struct Resumption {
  KeyHash hash;
  std::span<const std::byte> secret;  ///< The resumption master secret. Source: RFC 8446 §7.1.
};

/// Appends a NewSessionTicket (RFC 8446 §4.6.1) to `message`; false, and nothing appended, if there
/// is no secret, or OpenSSL can't write the session down in what a record holds.
///
/// The ticket is laid out and sealed as OpenSSL's own are, which is how it reads them: the session,
/// with the ticket's key and time in it, under `key`. `session` is changed for that. OpenSSL writes
/// it down three times for each ticket, and reads it once. `number`: of the ticket among those of
/// its connection.
[[nodiscard]] bool append_session_ticket(ssl_session_st& session,
                                         const Resumption& resumption,
                                         std::uint8_t number,
                                         const TicketKey& key,
                                         base::ByteBuffer& message);

/// What tickets are encrypted with, looked up once; lives as long as the process.
[[nodiscard]] const evp_cipher_st* ticket_cipher();

}  // namespace rondel::tls
