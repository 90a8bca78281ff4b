#include "tls/messages.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

namespace rondel::tls {

std::array<std::byte, 2> alert_message(std::uint8_t description) {
  const std::uint8_t level = description == alert::kCloseNotify ? SSL3_AL_WARNING : SSL3_AL_FATAL;
  return {static_cast<std::byte>(level), static_cast<std::byte>(description)};
}

std::optional<Failure> judge_alert(std::span<const std::byte> content) {
  if (content.size() != 2) {
    return Failure{alert::kDecodeError, false, "an alert of a wrong length"};
  }
  // The level says nothing in TLS 1.3: RFC 8446 §6.
  const auto number = static_cast<std::uint8_t>(content[1]);
  if (number == alert::kUserCanceled) {
    return std::nullopt;
  }
  return Failure{
      number, true,
      fmt::format("the peer sent alert {} ({})", number, SSL_alert_desc_string_long(number))};
}

std::optional<Failure> judge_key_update(std::span<const std::byte> message) {
  if (!message.empty() && message[0] != kKeyUpdate[0]) {
    return Failure{
        alert::kUnexpectedMessage, false,
        fmt::format("handshake message {} after the handshake", static_cast<unsigned>(message[0]))};
  }
  for (std::size_t i = 1; i < message.size() && i < kKeyUpdateBytes - 1; ++i) {
    if (message[i] != kKeyUpdate[i]) {
      return Failure{alert::kDecodeError, false, "a KeyUpdate of a wrong length"};
    }
  }
  if (message.size() >= kKeyUpdateBytes && message[kKeyUpdateBytes - 1] > std::byte{1}) {
    return Failure{alert::kIllegalParameter, false, "a KeyUpdate with an unknown request"};
  }
  if (message.size() > kKeyUpdateBytes) {
    return Failure{alert::kUnexpectedMessage, false, "bytes behind a KeyUpdate in its record"};
  }
  return std::nullopt;
}

Failure control_flood(std::uint32_t records) {
  return {alert::kUnexpectedMessage, false,
          fmt::format("too many records without data: {}", records)};
}

}  // namespace rondel::tls
