// The nine points of a connection's life at which modules may look and act.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rondel::hooks {

/// In the order in which a connection meets them (DESIGN §3).
enum class Point : std::uint8_t {
  before_accept,     ///< A peer's address; there is no connection yet.
  after_accept,      ///< The connection before its first read.
  layer_accept,      ///< A layer came up on the connection.
  before_interface,  ///< An element as it was received.
  after_interface,   ///< A stanza with trusted from and to.
  before_process,    ///< A stanza at its target's home shard.
  after_process,     ///< A stanza and what became of it.
  before_send,       ///< A stanza about to be written to a session.
  after_send,        ///< A stanza that the kernel took, or did not.
};

inline constexpr std::size_t kPointCount = 9;

/// What a hook at a point may answer besides `next`.
struct PointRules {
  std::string_view name;  ///< As `rondeld --print-hooks` shows it.
  bool may_handle;
  bool may_reject;
  bool may_suspend;
};

inline constexpr std::array<PointRules, kPointCount> kPointRules{{
    {"before-accept", false, true, false},
    {"after-accept", false, true, false},
    {"layer-accept", false, true, false},
    {"before-interface", true, true, false},
    {"after-interface", true, true, false},
    {"before-process", true, true, true},
    {"after-process", false, false, false},
    {"before-send", true, false, false},
    {"after-send", false, false, false},
}};

[[nodiscard]] constexpr const PointRules& rules(Point point) {
  return kPointRules[static_cast<std::size_t>(point)];
}

}  // namespace rondel::hooks
