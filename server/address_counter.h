// How many connections each address has, over all shards, without a lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/hash.h"
#include "modules/api/connection.h"

namespace rondel::server {

/// A table of counters by a seeded hash of the address (the /64 for IPv6).
///
/// Two addresses may share a counter; with a million cells and tens of thousands of peers that is
/// rare, and refuses too much at worst. Thread: any.
class AddressCounter {
 public:
  /// False, and nothing counted, if the address has `max` connections already.
  [[nodiscard]] bool try_enter(const api::PeerAddress& peer, unsigned max) {
    std::atomic<std::uint16_t>& cell = cell_of(peer);
    if (cell.fetch_add(1, std::memory_order_relaxed) < max) {
      return true;
    }
    cell.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  void leave(const api::PeerAddress& peer) {
    cell_of(peer).fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t kCells = std::size_t{1} << 20;

  std::atomic<std::uint16_t>& cell_of(const api::PeerAddress& peer) {
    const std::size_t significant = peer.is_ipv4() ? peer.bytes.size() : 8;
    const std::string_view key(reinterpret_cast<const char*>(peer.bytes.data()), significant);
    return cells_[base::hash_text(key) % kCells];
  }

  std::unique_ptr<std::atomic<std::uint16_t>[]> cells_ =
      std::make_unique<std::atomic<std::uint16_t>[]>(kCells);
};

}  // namespace rondel::server
