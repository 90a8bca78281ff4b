// An address and a port to listen on.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rondel::config {

/// "[::]:5222", "192.0.2.1:5222".
///
/// Limits: numbers only; a name is not looked up, and an IPv6 zone is not accepted.
struct ListenAddress {
  std::string text;                      ///< As it was written.
  bool is_v6 = false;                    ///< "[::]" serves IPv4 too.
  std::array<std::uint8_t, 16> bytes{};  ///< Network order; IPv4 in the first four.
  std::uint16_t port = 0;                ///< Host order; 0: any free port.

  /// 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104.
  [[nodiscard]] bool is_loopback() const;

  /// Nothing where `text` is not an address with a port.
  [[nodiscard]] static std::optional<ListenAddress> parse(std::string_view text);

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

}  // namespace rondel::config
