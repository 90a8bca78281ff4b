// Seals and opens TLS 1.3 records; for this room's sources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "tls/aead_context.h"
#include "tls/traffic_keys.h"

namespace rondel::tls {

enum class ContentType : std::uint8_t { alert = 21, handshake = 22, application_data = 23 };

inline constexpr std::size_t kHeaderBytes = 5;
inline constexpr std::size_t kTagBytes = 16;
/// Of data in one record. Source: RFC 8446 §5.1.
inline constexpr std::size_t kRecordPlainMax = 16384;
/// What a record adds to its data: header, type, tag.
inline constexpr std::size_t kRecordOverhead = kHeaderBytes + 1 + kTagBytes;
/// Of a sealed record behind its header; the inner plaintext may have one byte more than its data.
/// Source: RFC 8446 §5.4.
inline constexpr std::size_t kSealedMax = kRecordPlainMax + 1 + kTagBytes;

/// A run of records of one connection and direction.
///
/// All connections of a thread share one AeadContext for each AEAD and direction: the key goes in
/// with the first record of a run, so that an idle connection keeps no context at all. At most one
/// run of a kind at a time on a thread. Owner: one call.
class RecordRun {
 public:
  using Direction = AeadContext::Direction;

  RecordRun(Direction direction, Aead aead, TrafficKeys& keys);
  RecordRun(const RecordRun&) = delete;
  RecordRun& operator=(const RecordRun&) = delete;

  /// Writes plain.size() + kRecordOverhead bytes to `out`.
  void seal(ContentType type, std::span<const std::byte> plain, std::byte* out);
  /// Writes the inner plaintext, record.size() - kHeaderBytes - kTagBytes bytes, to `out`.
  /// False: not authentic; `out` then holds zeros.
  [[nodiscard]] bool open(std::span<const std::byte> record, std::byte* out);
  /// The keys have changed.
  void rekey() { is_keyed_ = false; }

 private:
  void begin_record();

  TrafficKeys& keys_;
  AeadContext* context_;
  Aead aead_;
  Direction direction_;
  bool is_keyed_ = false;
};

}  // namespace rondel::tls
