// Names of things that live on a shard; they cross shards where pointers may not.
#pragma once

#include <compare>
#include <cstdint>

namespace rondel::base {

/// A slot of a Slab and the generation that it had; a stale handle finds nothing.
struct SlotHandle {
  static constexpr std::uint32_t kNoSlot = 0xffff'ffff;

  std::uint32_t slot = kNoSlot;
  std::uint32_t generation = 0;  ///< 24 bits are significant, as in a ring tag.

  [[nodiscard]] bool is_set() const { return slot != kNoSlot; }
  friend bool operator==(const SlotHandle&, const SlotHandle&) = default;
};

/// A connection anywhere in the process.
struct ConnectionId {
  std::uint16_t shard = 0;
  SlotHandle handle;

  [[nodiscard]] bool is_set() const { return handle.is_set(); }
  friend bool operator==(const ConnectionId&, const ConnectionId&) = default;
};

}  // namespace rondel::base
