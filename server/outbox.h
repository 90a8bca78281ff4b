// What a connection is writing, for as long as there is something to write.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "base/byte_buffer.h"
#include "base/prefetch.h"

namespace rondel::server {

/// The three stations of what a connection writes.
struct Outbox {
  base::ByteBuffer output;   ///< Of the stream: written, not yet through the layer.
  base::ByteBuffer wire;     ///< Through the layer, not yet handed to the ring.
  base::ByteBuffer sending;  ///< With the ring.

  [[nodiscard]] bool empty() const { return output.empty() && wire.empty() && sending.empty(); }
  [[nodiscard]] std::size_t bytes() const { return output.size() + wire.size() + sending.size(); }
};

/// Outboxes that wait for the next connection with something to write, their memory with them.
///
/// An idle connection holds none, and a busy one asks no allocator. Owner: a shard. Thread: the
/// shard's. Limits: kBytesMax of memory together, each buffer at most kSpareBytesMax; what is more
/// is freed.
class OutboxPool {
 public:
  /// What 700 connections hold that write chat in one turn: a busy shard has them all at once.
  static constexpr std::size_t kBytesMax = 4 * 1024 * 1024;
  static constexpr std::size_t kSpareBytesMax = 4096;

  [[nodiscard]] std::unique_ptr<Outbox> take() {
    if (spares_.empty()) {
      return std::make_unique<Outbox>();
    }
    auto outbox = std::move(spares_.back());
    spares_.pop_back();
    if (!spares_.empty()) {  // Who writes to many takes the next one soon.
      base::prefetch_to_write(spares_.back().get(), sizeof(Outbox));
    }
    bytes_ -= memory_of(*outbox);
    return outbox;
  }
  /// Nothing of it may be with the ring any more.
  void give_back(std::unique_ptr<Outbox> outbox) {
    // What was sent is written to next: one buffer goes round instead of three, and it is warm.
    if (outbox->wire.capacity() == 0) {
      std::swap(outbox->wire, outbox->sending);
    }
    if (outbox->output.capacity() == 0) {
      std::swap(outbox->output, outbox->wire);
    }
    outbox->output.recycle(kSpareBytesMax);
    outbox->wire.recycle(kSpareBytesMax);
    outbox->sending.recycle(kSpareBytesMax);
    const std::size_t memory = memory_of(*outbox);
    if (bytes_ + memory > kBytesMax) {
      return;
    }
    bytes_ += memory;
    spares_.push_back(std::move(outbox));
  }
  /// That wait now.
  [[nodiscard]] std::size_t spares() const { return spares_.size(); }

 private:
  static std::size_t memory_of(const Outbox& outbox) {
    return sizeof(Outbox) + outbox.output.capacity() + outbox.wire.capacity() +
           outbox.sending.capacity();
  }

  std::size_t bytes_ = 0;
  std::vector<std::unique_ptr<Outbox>> spares_;
};

}  // namespace rondel::server
