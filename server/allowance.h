// How much a client may send: so much at once, so much a second.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rondel::server {

/// Units: bytes of the stream, under its TLS.
struct ReceiveRate {
  std::uint32_t bytes_per_second = 0;  ///< 0: as many as the client likes.
  std::uint32_t burst_bytes = 0;
};

/// A token bucket. Whoever takes more than there is has to rest until it is made up for.
///
/// Owner: a connection. Thread: its shard's.
class Allowance {
 public:
  /// Takes `bytes`; for how many milliseconds to rest, 0: not at all.
  [[nodiscard]] std::uint64_t spend(std::size_t bytes,
                                    std::uint64_t now_ms,
                                    const ReceiveRate& rate);

 private:
  std::uint32_t last_ms_ = 0;      ///< Of a clock that goes round in 49 days, which costs a pause.
  std::uint32_t spent_bytes_ = 0;  ///< Of the burst, and of what was lent beyond it.
};

}  // namespace rondel::server
