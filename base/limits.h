// Every bound that a peer can meet by default, in one place, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rondel::base {

/// What one stream may send; a profile before authentication, another after it.
struct StanzaLimits {
  std::uint32_t stanza_bytes_max;
  std::uint16_t depth_max;
  std::uint16_t attributes_max;  ///< Of one element, namespace declarations included.
  std::uint16_t elements_max;    ///< Of one stanza.
};

/// RFC 6120 §13.12 forbids less than 10,000 bytes; nothing before login needs more.
inline constexpr StanzaLimits kUnauthenticatedLimits{10'000, 8, 16, 32};
/// Room for avatars and device lists, none for documents.
inline constexpr StanzaLimits kClientLimits{256 * 1024, 64, 64, 4096};
static_assert(kUnauthenticatedLimits.stanza_bytes_max >= 10'000);

/// What a client that has logged in may send: an avatar at once, a conversation for ever.
inline constexpr std::uint32_t kReceiveBytesPerSecond = 20 * 1024;
inline constexpr std::uint32_t kReceiveBurstBytes = 200 * 1024;
inline constexpr std::uint32_t kAuthenticationDeadlineMs = 30'000;
inline constexpr std::uint32_t kTlsHandshakeDeadlineMs = 10'000;
inline constexpr std::uint32_t kCloseDeadlineMs = 5'000;  ///< For the peer's </stream:stream>.
inline constexpr int kAuthenticationTriesMax = 5;         ///< RFC 6120 §6.4.5 asks for 2 to 5.
inline constexpr int kResourcesPerAccountMax = 10;
inline constexpr std::size_t kOutputBytesMax = 2 * 1024 * 1024;  ///< Then the connection is closed.
inline constexpr std::size_t kOutputBytesHigh = 256 * 1024;  ///< Then we stop reading its source.
inline constexpr std::size_t kOutputBytesLow = kOutputBytesHigh / 2;
/// For how long others wait for a connection that does not read; then it is closed.
inline constexpr std::uint32_t kSlowReaderDeadlineMs = 30'000;
inline constexpr std::size_t kMailboxMessagesMax = 8192;
inline constexpr std::size_t kPendingPerUserMax =
    1024;  ///< Stanzas that wait for a user's storage.
inline constexpr int kConnectionsPerAddressMax = 1000;
inline constexpr int kOfflineMessagesMax = 1000;
inline constexpr int kOfflineBytesMax = 16 << 20;
inline constexpr int kRosterItemsMax = 5000;
static_assert(kOutputBytesHigh < kOutputBytesMax);

}  // namespace rondel::base
