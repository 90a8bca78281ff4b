// Whose mailboxes a shard has to look into.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/prefetch.h"

namespace rondel::server {

/// The shards that have something in their mailboxes for one shard, or may have.
///
/// With many shards most mailboxes are empty, and to look into each would take two cache lines of
/// other cores. Thread: add() on any; the rest on the shard whose set it is. Owner: that shard.
class PostedBy {
 public:
  explicit PostedBy(std::size_t shards) : words_((shards + kBits - 1) / kBits) {}

  /// After posting: what was posted is seen by whoever finds `shard` here.
  void add(std::size_t shard) {
    words_[shard / kBits].bits.fetch_or(std::uint64_t{1} << shard % kBits,
                                        std::memory_order_seq_cst);
  }

  [[nodiscard]] bool empty() const {
    for (const Word& word : words_) {
      if (word.bits.load(std::memory_order_seq_cst) != 0) {
        return false;
      }
    }
    return true;
  }

  /// Empties the set, and calls `look(shard)` for each that was in it.
  template <class Look>
  void take_all(Look&& look) {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if (words_[i].bits.load(std::memory_order_relaxed) == 0) {
        continue;
      }
      std::uint64_t bits = words_[i].bits.exchange(0, std::memory_order_seq_cst);
      for (; bits != 0; bits &= bits - 1) {
        look(i * kBits + static_cast<std::size_t>(std::countr_zero(bits)));
      }
    }
  }

 private:
  static constexpr std::size_t kBits = 64;
  struct alignas(base::kCacheLineBytes) Word {
    std::atomic<std::uint64_t> bits{0};
  };
  std::vector<Word> words_;
};

}  // namespace rondel::server
