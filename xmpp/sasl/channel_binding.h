// Channel bindings by name, and what a stream's features offered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rondel::xmpp {

/// The channel-binding types we can serve.
/// Source: RFC 9266 (tls-exporter), RFC 5929 (tls-server-end-point, tls-unique).
enum class ChannelBindingType : std::uint8_t {
  tls_exporter,
  tls_server_end_point,
  tls_unique,  ///< TLS 1.2 with extended master secret only; never offered
               ///< unless told.
};
[[nodiscard]] std::string_view to_text(ChannelBindingType type);
[[nodiscard]] std::optional<ChannelBindingType> parse_channel_binding_type(std::string_view name);

/// What the features of this stream advertised, exactly: the base of downgrade detection.
struct SaslOffer {
  std::vector<std::string> mechanisms;  ///< "SCRAM-SHA-256-PLUS", …; any order.
  std::vector<ChannelBindingType>
      channel_bindings;  ///< Announced by XEP-0440; empty: no announcement.

  [[nodiscard]] bool has_mechanism(std::string_view name) const;
  [[nodiscard]] bool has_channel_binding(ChannelBindingType type) const;
  /// True if a mechanism with channel binding is in it.
  [[nodiscard]] bool has_plus() const;
};

}  // namespace rondel::xmpp
