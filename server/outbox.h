// What a connection is writing, for as long as there is something to write.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "base/byte_buffer.h"

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
/// shard's. Limits: kSparesMax of them, each buffer at most kSpareBytesMax; what is more is freed.
class OutboxPool {
 public:
  static constexpr std::size_t kSparesMax = 256;
  static constexpr std::size_t kSpareBytesMax = 4096;

  [[nodiscard]] std::unique_ptr<Outbox> take() {
    if (spares_.empty()) {
      return std::make_unique<Outbox>();
    }
    auto outbox = std::move(spares_.back());
    spares_.pop_back();
    return outbox;
  }
  /// Nothing of it may be with the ring any more.
  void give_back(std::unique_ptr<Outbox> outbox) {
    if (spares_.size() >= kSparesMax) {
      return;
    }
    outbox->output.recycle(kSpareBytesMax);
    outbox->wire.recycle(kSpareBytesMax);
    outbox->sending.recycle(kSpareBytesMax);
    spares_.push_back(std::move(outbox));
  }

 private:
  std::vector<std::unique_ptr<Outbox>> spares_;
};

}  // namespace rondel::server
