// What a SimRing knows of an operation; for its own files only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "tests/support/sim_ring.h"

namespace rondel::tests {

struct SimRing::Operation {
  enum class Kind : std::uint8_t {
    accept,
    receive,
    send,
    read,
    write,
    sync,
    poll,
    connect,
    cancel,
    close
  };

  Kind kind = Kind::close;
  ring::Tag tag;
  int fd = -1;
  bool is_multishot = false;
  bool is_cancelled = false;
  bool is_done = false;
  unsigned events = 0;
  std::byte* into = nullptr;
  std::vector<std::span<const std::byte>> parts;
  std::size_t bytes = 0;
  base::Nanoseconds held_until{0};
  std::optional<std::int32_t> decided;  ///< Has happened, is yet to be told.
};

}  // namespace rondel::tests
