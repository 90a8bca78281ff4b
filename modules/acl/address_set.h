// Ranges of addresses, and the question whether an address is in one of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rondel::modules::acl {

/// An IPv6 address, or an IPv4 address in its mapped form (::ffff:a.b.c.d).
using Address = std::array<std::uint8_t, 16>;

struct AddressRange {
  Address first{};
  Address last{};  ///< Included.
};

/// Reads "192.0.2.1", "10.0.0.0/8", "2001:db8::1" or "2001:db8::/32".
/// Absent for anything else, and for a range with bits set behind its prefix ("10.0.0.1/8"), which
/// is a mistake more often than not.
[[nodiscard]] std::optional<AddressRange> parse_address_range(std::string_view text);

/// Thread: any; it never changes. Cost: one binary search.
class AddressSet {
 public:
  AddressSet() = default;
  /// Texts that parse_address_range() does not know are passed over.
  explicit AddressSet(std::span<const std::string> texts);

  [[nodiscard]] bool is_empty() const { return ranges_.empty(); }
  [[nodiscard]] bool contains(const Address& address) const;

 private:
  std::vector<AddressRange> ranges_;  ///< Sorted; none touches another.
};

}  // namespace rondel::modules::acl
