// How a line lies in a lane.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "log/line.h"

namespace rondel::log {

/// Bytes that encode_record() needs; the texts of `line` are within their bounds.
[[nodiscard]] std::size_t record_bytes(const LineView& line);
/// Fills `out`, which has record_bytes(line) bytes. `producer` comes back from decode_record().
void encode_record(std::span<std::byte> out, const LineView& line, std::uint16_t producer);

/// A line inside its record, and whose lanes it came from.
struct DecodedRecord {
  LineView line;
  std::uint16_t producer = 0;
};
/// Points into `record`. Signal-safe.
[[nodiscard]] DecodedRecord decode_record(std::span<const std::byte> record);

/// Cuts what is too long, text at a whole character; the result points into the same memory.
[[nodiscard]] LineView within_bounds(LineView line, std::size_t text_bytes_max);

}  // namespace rondel::log
