// Slots with generations: dense indices, handles that go stale, stable addresses.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/handle.h"

namespace rondel::base {

/// Holds objects by slot; a freed slot's next user has another generation.
///
/// Owner: one shard. Thread: that shard's only. Objects never move.
template <class T>
class Slab {
 public:
  static constexpr std::uint32_t kGenerationMask = 0xff'ffff;

  SlotHandle insert(std::unique_ptr<T> object) {
    RONDEL_ASSERT(object != nullptr);
    std::uint32_t slot;
    if (!free_.empty()) {
      slot = free_.back();
      free_.pop_back();
    } else {
      slot = static_cast<std::uint32_t>(entries_.size());
      entries_.push_back({});
    }
    entries_[slot].object = std::move(object);
    ++size_;
    return {slot, entries_[slot].generation};
  }

  /// The object, or null for a handle that was never valid or is stale.
  [[nodiscard]] T* find(SlotHandle handle) const {
    if (handle.slot >= entries_.size()) {
      return nullptr;
    }
    const Entry& entry = entries_[handle.slot];
    return entry.generation == handle.generation ? entry.object.get() : nullptr;
  }

  /// Takes the object out; every handle to it is stale from now on.
  std::unique_ptr<T> take(SlotHandle handle) {
    RONDEL_ASSERT(find(handle) != nullptr);
    Entry& entry = entries_[handle.slot];
    entry.generation = (entry.generation + 1) & kGenerationMask;
    --size_;
    free_.push_back(handle.slot);
    return std::move(entry.object);
  }

  [[nodiscard]] std::size_t size() const { return size_; }

  /// Calls f(handle, object) for each; f may take that object out, but insert nothing.
  template <class F>
  void for_each(F&& f) {
    for (std::uint32_t slot = 0; slot < entries_.size(); ++slot) {
      if (entries_[slot].object) {
        f(SlotHandle{slot, entries_[slot].generation}, *entries_[slot].object);
      }
    }
  }

 private:
  struct Entry {
    std::unique_ptr<T> object;
    std::uint32_t generation = 1;
  };
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
  std::size_t size_ = 0;
};

}  // namespace rondel::base
