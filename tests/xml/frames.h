// Drives a framer as a connection does: keeps partial bytes, passes each byte once.
#pragma once

#include <algorithm>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_buffer.h"
#include "xml/framer.h"

namespace rondel::xml {

struct Frame {
  FrameKind kind;
  XmlError error;
  std::string bytes;  ///< Of an error: everything since the event before it.
  bool operator==(const Frame&) const = default;
};
inline void PrintTo(const Frame& frame, std::ostream* out) {
  *out << "kind " << static_cast<int>(frame.kind) << " " << condition_name(frame.error) << " `"
       << frame.bytes.substr(0, 200) << "`";
}

inline constexpr base::StanzaLimits kWideLimits{64 * 1024 * 1024, 1000, 1000, 60'000};

/// All events but need_more and white space, of a stream that arrives in pieces.
///
/// `next_size` says how long each piece is; reading ends with the first error.
inline std::vector<Frame> frames(std::string_view stream,
                                 const std::function<std::size_t()>& next_size,
                                 const base::StanzaLimits& limits = kWideLimits,
                                 Framer framer = {}) {
  std::vector<Frame> found;
  std::string kept;
  while (!stream.empty()) {
    std::string_view piece = stream.substr(0, std::max<std::size_t>(1, next_size()));
    stream.remove_prefix(piece.size());
    while (!piece.empty()) {
      const FrameEvent event = framer.feed(base::as_bytes(piece), limits);
      kept += piece.substr(0, event.consumed);
      piece.remove_prefix(event.consumed);
      if (event.kind == FrameKind::error) {
        found.push_back({event.kind, event.error, kept});
        return found;
      }
      if (event.kind == FrameKind::need_more) {
        RONDEL_CHECK(piece.empty());
        if (!framer.is_partial()) {
          RONDEL_CHECK(kept.empty());
        }
        continue;
      }
      if (event.kind != FrameKind::whitespace) {
        found.push_back({event.kind, XmlError::not_well_formed, kept});
      }
      RONDEL_CHECK(!framer.is_partial());
      kept.clear();
    }
  }
  return found;
}

inline std::vector<Frame> frames_whole(std::string_view stream,
                                       const base::StanzaLimits& limits = kWideLimits,
                                       Framer framer = {}) {
  return frames(
      stream, [stream] { return stream.size(); }, limits, framer);
}

inline std::vector<Frame> frames_by(std::size_t size,
                                    std::string_view stream,
                                    const base::StanzaLimits& limits = kWideLimits,
                                    Framer framer = {}) {
  return frames(
      stream, [size] { return size; }, limits, framer);
}

}  // namespace rondel::xml
