#include "modules/acl/address_set.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>

namespace rondel::modules::acl {
namespace {

constexpr unsigned kMappedBits = 96;

struct Parsed {
  Address address{};
  unsigned offset = 0;  ///< Bits of the mapped form before the address as written.
};

std::optional<Parsed> parse_address(std::string_view text) {
  const std::string terminated(text);
  Parsed parsed;
  in_addr four{};
  if (inet_pton(AF_INET, terminated.c_str(), &four) == 1) {
    parsed.address[10] = parsed.address[11] = 0xff;
    std::memcpy(parsed.address.data() + 12, &four, sizeof(four));
    parsed.offset = kMappedBits;
    return parsed;
  }
  if (inet_pton(AF_INET6, terminated.c_str(), parsed.address.data()) == 1) {
    return parsed;
  }
  return std::nullopt;
}

std::optional<unsigned> parse_prefix(std::string_view text, unsigned bits_max) {
  unsigned bits = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, bits);
  const bool has_leading_zero = text.size() > 1 && text.front() == '0';
  if (result.ec != std::errc() || result.ptr != end || has_leading_zero || bits > bits_max) {
    return std::nullopt;
  }
  return bits;
}

/// The address that comes next; all ones stay what they are.
Address next_of(Address address) {
  const Address given = address;
  for (std::size_t i = address.size(); i-- > 0;) {
    if (++address[i] != 0) {
      return address;
    }
  }
  return given;
}

}  // namespace

std::optional<AddressRange> parse_address_range(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  const std::size_t slash = text.find('/');
  const auto parsed = parse_address(text.substr(0, slash));
  if (!parsed) {
    return std::nullopt;
  }
  unsigned bits = 128;
  if (slash != std::string_view::npos) {
    const auto prefix = parse_prefix(text.substr(slash + 1), 128 - parsed->offset);
    if (!prefix) {
      return std::nullopt;
    }
    bits = *prefix + parsed->offset;
  }
  AddressRange range{parsed->address, parsed->address};
  for (unsigned bit = bits; bit < 128; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80u >> (bit % 8));
    if ((range.first[bit / 8] & mask) != 0) {
      return std::nullopt;
    }
    range.last[bit / 8] |= mask;
  }
  return range;
}

AddressSet::AddressSet(std::span<const std::string> texts) {
  std::vector<AddressRange> given;
  for (const std::string& text : texts) {
    if (const auto range = parse_address_range(text)) {
      given.push_back(*range);
    }
  }
  std::sort(given.begin(), given.end(),
            [](const AddressRange& a, const AddressRange& b) { return a.first < b.first; });
  for (const AddressRange& range : given) {
    if (!ranges_.empty() && range.first <= next_of(ranges_.back().last)) {
      ranges_.back().last = std::max(ranges_.back().last, range.last);
    } else {
      ranges_.push_back(range);
    }
  }
}

bool AddressSet::contains(const Address& address) const {
  const auto behind = std::upper_bound(
      ranges_.begin(), ranges_.end(), address,
      [](const Address& wanted, const AddressRange& range) { return wanted < range.first; });
  return behind != ranges_.begin() && address <= std::prev(behind)->last;
}

}  // namespace rondel::modules::acl
