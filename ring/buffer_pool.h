// Receive buffers that the kernel picks from by itself (a provided buffer ring).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"

struct io_uring_buf_ring;

namespace rondel::ring {

class KernelRing;

/// Buffers of one size, each owned by the kernel except while a completion that names it is being
/// handled.
///
/// Thread: the ring's. Limits: 32768 buffers; the memory is mapped when made and touched when used.
class BufferPool {
 public:
  static constexpr std::uint16_t kGroup = 0;

  /// Maps and registers; `count` is a power of two, or 0 for a pool that holds nothing.
  static base::Result<std::unique_ptr<BufferPool>> create(KernelRing& kernel,
                                                          unsigned count,
                                                          unsigned buffer_bytes);
  /// The ring must be gone: the kernel writes into these buffers until then.
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// Takes note that the kernel filled a buffer, and shows what it wrote.
  std::span<const std::byte> take(std::uint16_t id, std::size_t bytes);
  /// Lays a taken buffer back; the kernel sees it after publish().
  void give_back(std::uint16_t id);
  /// Shows the kernel everything that was given back, with one store.
  void publish();

  [[nodiscard]] unsigned count() const { return count_; }
  [[nodiscard]] unsigned free_count() const { return count_ - taken_; }

 private:
  BufferPool(unsigned count, unsigned buffer_bytes);
  void lay(std::uint16_t id);

  unsigned count_;
  unsigned buffer_bytes_;
  unsigned taken_ = 0;
  unsigned unpublished_ = 0;
  std::size_t mapped_bytes_ = 0;
  io_uring_buf_ring* ring_ = nullptr;
  std::byte* memory_ = nullptr;
  std::vector<bool> is_taken_;
};

}  // namespace rondel::ring
