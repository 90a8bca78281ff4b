// The record layer of a client after a TLS 1.3 handshake: keys and numbers, nothing else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/byte_buffer.h"
#include "tls/record_cipher.h"
#include "tls/traffic_keys.h"

namespace rondel::load {

enum class TlsStatus : std::uint8_t { ok, closed, failed };

/// Seals and opens records of one connection, so that a hundred thousand of them fit in memory.
///
/// Session tickets are skipped, key updates followed. Source: RFC 8446 §4.6, §5.
class ClientRecords {
 public:
  ClientRecords(tls::Aead aead,
                std::span<const std::byte> receive_secret,
                std::span<const std::byte> send_secret);

  [[nodiscard]] TlsStatus receive(std::span<const std::byte> wire,
                                  base::ByteBuffer& plain,
                                  base::ByteBuffer& wire_out);
  void send(std::span<const std::byte> plain, base::ByteBuffer& wire_out);
  void close(base::ByteBuffer& wire_out);

 private:
  [[nodiscard]] TlsStatus take_record(std::span<const std::byte> record,
                                      base::ByteBuffer& plain,
                                      base::ByteBuffer& wire_out);
  [[nodiscard]] TlsStatus take_messages(std::span<const std::byte> content,
                                        base::ByteBuffer& wire_out);
  void seal(tls::ContentType type, std::span<const std::byte> plain, base::ByteBuffer& wire_out);

  tls::TrafficKeys receive_;
  tls::TrafficKeys send_;
  base::ByteBuffer partial_;         ///< A record that has not come whole.
  std::array<std::byte, 5> head_{};  ///< Of a handshake message.
  std::uint8_t head_size_ = 0;
  std::uint32_t body_left_ = 0;
  tls::Aead aead_;
};

}  // namespace rondel::load
