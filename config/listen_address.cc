#include "config/listen_address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

namespace rondel::config {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return port;
}

}  // namespace

bool ListenAddress::is_loopback() const {
  constexpr std::uint8_t kLoopbackNet = 127;
  if (!is_v6) {
    return bytes[0] == kLoopbackNet;
  }
  constexpr std::array<std::uint8_t, 16> kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return bytes == kLoopback ||
         (std::equal(kMapped.begin(), kMapped.end(), bytes.begin()) && bytes[12] == kLoopbackNet);
}

std::optional<ListenAddress> ListenAddress::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  const auto port = parse_port(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  ListenAddress address;
  address.text = text;
  address.is_v6 = host.starts_with('[');
  if (address.is_v6) {
    if (!host.ends_with(']')) {
      return std::nullopt;
    }
    host = host.substr(1, host.size() - 2);
  }
  // inet_pton would stop at a NUL and accept what stands before it.
  if (!port || host.find('\0') != std::string_view::npos ||
      ::inet_pton(address.is_v6 ? AF_INET6 : AF_INET, std::string(host).c_str(),
                  address.bytes.data()) != 1) {
    return std::nullopt;
  }
  address.port = *port;
  return address;
}

}  // namespace rondel::config
