// Immutable bytes that several owners, also on other shards, share by count.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace rondel::base {

/// A reference to bytes that nobody changes any more.
///
/// Thread: any; the count is atomic. One allocation holds count and bytes.
class SharedBytes {
 public:
  SharedBytes() = default;
  /// Copies `bytes` once.
  static SharedBytes copy_of(std::string_view bytes);

  SharedBytes(const SharedBytes& other) : block_(other.block_) { retain(); }
  SharedBytes(SharedBytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  SharedBytes& operator=(SharedBytes other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedBytes() { release(); }

  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::size_t size() const { return block_ ? block_->size : 0; }
  [[nodiscard]] std::string_view text() const {
    return block_ ? std::string_view(reinterpret_cast<const char*>(block_ + 1), block_->size)
                  : std::string_view();
  }

 private:
  struct Block {
    std::atomic<std::uint32_t> references{1};
    std::size_t size;
  };
  void retain() const {
    if (block_) {
      block_->references.fetch_add(1, std::memory_order_relaxed);
    }
  }
  void release();

  Block* block_ = nullptr;
};

}  // namespace rondel::base
