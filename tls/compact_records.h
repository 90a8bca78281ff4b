// The compact engine: TLS 1.3 records from two traffic secrets; for this room's sources.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/byte_buffer.h"
#include "tls/channel.h"
#include "tls/record_cipher.h"
#include "tls/traffic_keys.h"

namespace rondel::tls {

/// The record layer of one established TLS 1.3 connection, either side of it.
///
/// Between calls it holds keys, numbers and, while a record is incomplete, its bytes. Follows the
/// peer's KeyUpdate, answers it where asked to, and changes its own key after kRecordsPerKeyMax.
/// Source: RFC 8446 §5, §4.6.3, §6. Owner: the channel. Limits: one record of input; records
/// without data by kControlRecordsMax and kBytesPerControlRecord.
class CompactRecords {
 public:
  CompactRecords() = default;
  CompactRecords(const CompactRecords&) = delete;
  CompactRecords& operator=(const CompactRecords&) = delete;

  /// What stands at the end of a handshake: both secrets, and the records already carried by them.
  void start(Aead aead,
             std::span<const std::byte> receive_secret,
             std::uint64_t records_received,
             std::span<const std::byte> send_secret,
             std::uint64_t records_sent);

  /// Never `truncated`. After `failed`, `failure` says why, and an alert is in `wire_out`.
  [[nodiscard]] Status receive(std::span<const std::byte> wire,
                               base::ByteBuffer& plain,
                               base::ByteBuffer& wire_out,
                               Failure& failure);
  /// Nothing after close().
  void send(std::span<const std::byte> plain, base::ByteBuffer& wire_out);
  /// A handshake message of ours, kRecordPlainMax at most.
  void send_message(std::span<const std::byte> message, base::ByteBuffer& wire_out) {
    seal_small(ContentType::handshake, message, wire_out);
  }
  /// close_notify, once.
  void close(base::ByteBuffer& wire_out);

  /// No piece of a record or of a message is held: another engine may go on from here.
  [[nodiscard]] bool is_at_boundary() const { return partial_.empty() && message_size_ == 0; }
  [[nodiscard]] Aead aead() const { return aead_; }
  [[nodiscard]] TrafficKeys& receive_keys() { return receive_; }
  [[nodiscard]] TrafficKeys& send_keys() { return send_; }

 private:
  struct Call;

  /// The next whole record, in `wire` or in partial_; empty: there is none yet, or a failure.
  [[nodiscard]] std::span<const std::byte> next_record(Call& call);
  [[nodiscard]] Status check_header(Call& call, std::span<const std::byte> header);
  [[nodiscard]] Status take_record(Call& call, std::span<const std::byte> record);
  [[nodiscard]] Status take_alert(Call& call, std::span<const std::byte> content);
  [[nodiscard]] Status take_handshake(Call& call, std::span<const std::byte> content);
  [[nodiscard]] Status count_control_record(Call& call);
  [[nodiscard]] Status fail(Call& call, int alert, std::string text);
  void seal_small(ContentType type, std::span<const std::byte> plain, base::ByteBuffer& wire_out);
  /// Says KeyUpdate and goes on with the next key.
  void update_send_key(base::ByteBuffer& wire_out);

  TrafficKeys receive_;
  TrafficKeys send_;
  base::ByteBuffer partial_;
  std::uint64_t plain_bytes_ = 0;
  std::uint32_t control_records_ = 0;
  std::array<std::byte, 5> message_{};  ///< A KeyUpdate not yet complete.
  std::uint8_t message_size_ = 0;
  Aead aead_ = Aead::aes_128_gcm;
  bool is_close_sent_ = false;
  bool must_answer_update_ = false;
};

}  // namespace rondel::tls
