// The end of OpenSSL that we hold: it reads from a span and appends to a buffer; nothing between.
#pragma once

#include <cstddef>
#include <span>

#include "base/byte_buffer.h"
#include "tls/channel.h"
#include "tls/openssl_handle.h"

namespace rondel::tls {

/// What OpenSSL sees of the wire during one call.
struct Wire {
  std::span<const std::byte> in;
  base::ByteBuffer* out = nullptr;  ///< Set during every call that may write.
  std::size_t handshake_bytes = 0;  ///< Read while is_counting.
  std::size_t handshake_bytes_max = kHandshakeBytesMax;
  bool is_counting = true;
  bool is_refusing = false;  ///< A limit was passed: OpenSSL gets nothing more to read.
};

/// A BIO over `wire`, which must outlive it.
[[nodiscard]] OpensslPtr<bio_st> make_wire_bio(Wire& wire);

}  // namespace rondel::tls
