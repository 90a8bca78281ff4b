// The few messages that follow a handshake: alerts and KeyUpdate; for this room's sources.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "tls/channel.h"

namespace rondel::tls {

/// Source: RFC 8446 §6.
namespace alert {
inline constexpr std::uint8_t kCloseNotify = 0;
inline constexpr std::uint8_t kUnexpectedMessage = 10;
inline constexpr std::uint8_t kBadRecordMac = 20;
inline constexpr std::uint8_t kRecordOverflow = 22;
inline constexpr std::uint8_t kIllegalParameter = 47;
inline constexpr std::uint8_t kDecodeError = 50;
inline constexpr std::uint8_t kInternalError = 80;
inline constexpr std::uint8_t kUserCanceled = 90;
}  // namespace alert

/// Level and description.
[[nodiscard]] std::array<std::byte, 2> alert_message(std::uint8_t description);

/// What an alert from the peer means: absent for one to overlook; a failure with alert
/// kCloseNotify for an orderly end.
[[nodiscard]] std::optional<Failure> judge_alert(std::span<const std::byte> content);

/// Asks for none in return. Source: RFC 8446 §4.6.3.
inline constexpr std::size_t kKeyUpdateBytes = 5;
inline constexpr std::array<std::byte, kKeyUpdateBytes> kKeyUpdate{
    std::byte{24}, std::byte{0}, std::byte{0}, std::byte{1}, std::byte{0}};

/// What is wrong with the first bytes of a message that can only be a KeyUpdate; absent: nothing.
[[nodiscard]] std::optional<Failure> judge_key_update(std::span<const std::byte> message);
/// Of a whole and faultless one: it asks for one in return.
[[nodiscard]] inline bool is_update_requested(std::span<const std::byte> message) {
  return message[kKeyUpdateBytes - 1] == std::byte{1};
}

/// True once a peer has sent more records without data than its data earned it.
[[nodiscard]] constexpr bool is_control_flood(std::uint32_t records, std::uint64_t data_bytes) {
  return records > kControlRecordsMax + data_bytes / kBytesPerControlRecord;
}
[[nodiscard]] Failure control_flood(std::uint32_t records);

}  // namespace rondel::tls
