#include "ring/buffer_pool.h"

#include <bit>
#include <liburing.h>
#include <sys/mman.h>

#include "base/check.h"
#include "ring/features.h"
#include "ring/kernel_ring.h"

namespace rondel::ring {

namespace {

constexpr unsigned kBuffersMax = 32768;
constexpr unsigned kBufferBytesMax = 1 << 20;

}  // namespace

BufferPool::BufferPool(unsigned count, unsigned buffer_bytes)
    : count_(count), buffer_bytes_(buffer_bytes), is_taken_(count, false) {
}

base::Result<std::unique_ptr<BufferPool>> BufferPool::create(KernelRing& kernel,
                                                             unsigned count,
                                                             unsigned buffer_bytes) {
  std::unique_ptr<BufferPool> pool(new BufferPool(count, buffer_bytes));
  if (count == 0) {
    return pool;
  }
  if (!std::has_single_bit(count) || count > kBuffersMax || buffer_bytes == 0 ||
      buffer_bytes > kBufferBytesMax) {
    return base::Unexpected(
        base::Error("the number of receive buffers must be a power of two up to 32768, and their "
                    "size between 1 byte and 1 MiB"));
  }
  // The ring comes first, because it must start on a page.
  const std::size_t ring_bytes = (count * sizeof(io_uring_buf) + 4095) & ~std::size_t{4095};
  pool->mapped_bytes_ = ring_bytes + std::size_t{count} * buffer_bytes;
  void* mapped = mmap(nullptr, pool->mapped_bytes_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    pool->mapped_bytes_ = 0;
    return base::Unexpected(base::system_error("cannot map the receive buffers", errno));
  }
  pool->ring_ = static_cast<io_uring_buf_ring*>(mapped);
  pool->memory_ = static_cast<std::byte*>(mapped) + ring_bytes;

  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(mapped);
  registration.ring_entries = count;
  registration.bgid = kGroup;
  if (const int result = io_uring_register_buf_ring(&kernel.raw(), &registration, 0); result < 0) {
    return base::Unexpected(setup_error(-result));
  }
  io_uring_buf_ring_init(pool->ring_);
  for (unsigned id = 0; id < count; ++id) {
    pool->lay(static_cast<std::uint16_t>(id));
  }
  pool->publish();
  return pool;
}

BufferPool::~BufferPool() {
  if (mapped_bytes_ > 0) {
    munmap(ring_, mapped_bytes_);
  }
}

std::span<const std::byte> BufferPool::take(std::uint16_t id, std::size_t bytes) {
  // A buffer that stood in the ring twice would give one connection the bytes of another.
  RONDEL_CHECK(id < count_ && bytes <= buffer_bytes_ && !is_taken_[id]);
  is_taken_[id] = true;
  ++taken_;
  return {memory_ + std::size_t{id} * buffer_bytes_, bytes};
}

void BufferPool::give_back(std::uint16_t id) {
  RONDEL_CHECK(id < count_ && is_taken_[id]);
  is_taken_[id] = false;
  --taken_;
  lay(id);
}

void BufferPool::lay(std::uint16_t id) {
  io_uring_buf_ring_add(ring_, memory_ + std::size_t{id} * buffer_bytes_, buffer_bytes_, id,
                        io_uring_buf_ring_mask(count_), static_cast<int>(unpublished_));
  ++unpublished_;
}

void BufferPool::publish() {
  if (unpublished_ > 0) {
    io_uring_buf_ring_advance(ring_, static_cast<int>(unpublished_));
    unpublished_ = 0;
  }
}

}  // namespace rondel::ring
