// The memory of one stanza: handed out from the front, given back whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/prefetch.h"

namespace rondel::xml {

/// A bump allocator over blocks from a bounded cache of the calling thread.
///
/// Owner: the Document it belongs to; moves with it, also to another thread, where the blocks then
/// go into that thread's cache. Limits: a thread keeps at most 2.5 MiB of free blocks; more goes
/// back to the system. Nothing in an arena is destroyed: only trivial types go in.
class Arena {
 public:
  static constexpr std::size_t kUsualBytes = 1024;  ///< Of a usual stanza; no block is smaller.

  Arena() = default;
  Arena(Arena&& other) noexcept
      : cursor_(std::exchange(other.cursor_, nullptr)),
        end_(std::exchange(other.end_, nullptr)),
        blocks_(std::exchange(other.blocks_, nullptr)) {}
  Arena& operator=(Arena&& other) noexcept {
    if (this != &other) {
      release();
      cursor_ = std::exchange(other.cursor_, nullptr);
      end_ = std::exchange(other.end_, nullptr);
      blocks_ = std::exchange(other.blocks_, nullptr);
    }
    return *this;
  }
  ~Arena() { release(); }

  /// Memory that lives as long as the arena; `align` is a power of two, at most 16.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t align) {
    const auto at = (reinterpret_cast<std::uintptr_t>(cursor_) + (align - 1)) & ~(align - 1);
    if (at + bytes > reinterpret_cast<std::uintptr_t>(end_)) [[unlikely]] {
      return allocate_from_new_block(bytes);
    }
    cursor_ = reinterpret_cast<std::byte*>(at + bytes);
    return reinterpret_cast<void*>(at);
  }

  /// Constructs a T that is never destroyed.
  template <class T, class... Arguments>
  [[nodiscard]] T* make(Arguments&&... arguments) {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= 16);
    return new (allocate(sizeof(T), alignof(T))) T(std::forward<Arguments>(arguments)...);
  }

  /// A copy that lives as long as the arena; empty text takes no memory.
  [[nodiscard]] std::string_view copy(std::string_view text);

  /// Begins to load the start of the newest block, as much as a usual stanza fills: for a thread
  /// that is about to read what another one has built.
  void prefetch() const {
    if (blocks_ != nullptr) {
      base::prefetch_to_read(blocks_, kUsualBytes);
    }
  }

  /// Gives every block back; whatever was allocated is gone.
  void release() {
    if (blocks_ != nullptr) {
      release_blocks();
    }
  }

  /// The bytes of all blocks held, for accounting.
  [[nodiscard]] std::size_t bytes_held() const;

 private:
  struct Block;

  void* allocate_from_new_block(std::size_t bytes);
  void release_blocks();

  std::byte* cursor_ = nullptr;
  std::byte* end_ = nullptr;
  Block* blocks_ = nullptr;
};

}  // namespace rondel::xml
