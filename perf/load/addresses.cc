#include "perf/load/addresses.h"

#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>

namespace rondel::load {
namespace {

constexpr std::uint32_t kSourcesMax = 65536;

sockaddr_storage storage_of(const void* address, std::size_t size) {
  sockaddr_storage storage{};
  std::memcpy(&storage, address, size);
  return storage;
}

bool read_ipv4(const std::string& text, std::uint16_t port, sockaddr_storage& out) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, text.c_str(), &address.sin_addr) != 1) {
    return false;
  }
  out = storage_of(&address, sizeof(address));
  return true;
}

bool read_ipv6(const std::string& text, std::uint16_t port, sockaddr_storage& out) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  if (inet_pton(AF_INET6, text.c_str(), &address.sin6_addr) != 1) {
    return false;
  }
  out = storage_of(&address, sizeof(address));
  return true;
}

}  // namespace

base::Result<sockaddr_storage> parse_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  sockaddr_storage address{};
  std::uint16_t port = 0;
  bool is_good = false;
  if (colon != std::string::npos && colon > 0) {
    const char* const end = text.data() + text.size();
    is_good = std::from_chars(text.data() + colon + 1, end, port).ptr == end && port != 0;
    const std::string host = text.substr(0, colon);
    is_good = is_good && (host.starts_with('[') && host.ends_with(']')
                              ? read_ipv6(host.substr(1, host.size() - 2), port, address)
                              : read_ipv4(host, port, address));
  }
  if (!is_good) {
    return base::Unexpected(base::Error(
        fmt::format("'{}' is no address; there are '127.0.0.1:5222' and '[::1]:5222'", text)));
  }
  return address;
}

base::Result<std::vector<sockaddr_storage>> parse_sources(const std::string& text) {
  std::vector<sockaddr_storage> sources;
  sockaddr_storage first{};
  if (text.empty()) {
    sources.push_back(first);
    return sources;
  }
  if (read_ipv6(text, 0, first)) {
    sources.push_back(first);
    return sources;
  }
  const std::size_t dash = text.find('-');
  sockaddr_storage last{};
  if (!read_ipv4(text.substr(0, dash), 0, first) ||
      !read_ipv4(dash == std::string::npos ? text : text.substr(dash + 1), 0, last)) {
    return base::Unexpected(base::Error(
        fmt::format("'{}' is no source; there are '127.0.0.2' and '127.0.0.2-127.0.0.20'", text)));
  }
  sockaddr_in address{};
  std::memcpy(&address, &last, sizeof(address));
  const std::uint32_t end = ntohl(address.sin_addr.s_addr);
  std::memcpy(&address, &first, sizeof(address));
  for (std::uint32_t at = ntohl(address.sin_addr.s_addr); at <= end; ++at) {
    address.sin_addr.s_addr = htonl(at);
    sources.push_back(storage_of(&address, sizeof(address)));
    if (sources.size() == kSourcesMax) {
      break;
    }
  }
  if (sources.empty()) {
    return base::Unexpected(
        base::Error(fmt::format("'{}': the last one is before the first", text)));
  }
  return sources;
}

}  // namespace rondel::load
