// The kinds of stanza that a hook may choose among, so that the others pass it by at no cost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace rondel::hooks {

/// What passes a point that stanzas pass.
enum class Traffic : std::uint8_t {
  message,
  presence,   ///< To somebody: subscriptions, probes, directed presence, copies of a broadcast.
  broadcast,  ///< A session's own presence to nobody (RFC 6121 §4.2.1), which its server copies.
  iq,
};
inline constexpr std::size_t kTrafficCount = 4;

[[nodiscard]] constexpr std::string_view to_text(Traffic traffic) {
  constexpr std::string_view kNames[kTrafficCount] = {"message", "presence", "broadcast", "iq"};
  return kNames[static_cast<std::size_t>(traffic)];
}

/// A set of them; everything unless said otherwise.
class TrafficSet {
 public:
  constexpr TrafficSet() = default;
  constexpr TrafficSet(std::initializer_list<Traffic> members) : bits_(0) {
    for (const Traffic member : members) {
      bits_ = static_cast<std::uint8_t>(bits_ | 1u << static_cast<unsigned>(member));
    }
  }
  [[nodiscard]] constexpr bool has(Traffic traffic) const {
    return (bits_ >> static_cast<unsigned>(traffic) & 1u) != 0;
  }
  [[nodiscard]] constexpr bool is_all() const { return bits_ == (1u << kTrafficCount) - 1; }

 private:
  std::uint8_t bits_ = (1u << kTrafficCount) - 1;
};

}  // namespace rondel::hooks
