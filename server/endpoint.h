// Whatever owns a socket on a shard and takes its completions.
#pragma once

#include "base/handle.h"
#include "ring/ring.h"

namespace rondel::server {

class Connection;
class RawEndpoint;

/// An XMPP connection or a raw one; stands in the shard's slab, so that ring tags find it.
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  virtual void completed(const ring::Completion& completion) = 0;
  virtual void flush() = 0;
  virtual void run_ready() = 0;
  /// Nothing is under way any more; the shard may free it.
  [[nodiscard]] virtual bool is_dead() const = 0;
  [[nodiscard]] virtual base::SlotHandle handle() const = 0;
  [[nodiscard]] virtual int fd() const = 0;
  [[nodiscard]] virtual Connection* as_connection() { return nullptr; }
  [[nodiscard]] virtual RawEndpoint* as_raw() { return nullptr; }
};

}  // namespace rondel::server
