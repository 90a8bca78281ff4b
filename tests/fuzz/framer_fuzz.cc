// A stream cut anywhere must give the events of the stream in one piece; what the framer calls a
// stanza must be refused by the parser or be one element that reads the same after being written.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_buffer.h"
#include "base/check.h"
#include "xml/framer.h"
#include "xml/parser.h"
#include "xml/writer.h"

namespace {

using rondel::base::as_bytes;
using rondel::xml::FrameEvent;
using rondel::xml::FrameKind;
using rondel::xml::Framer;
using rondel::xml::XmlError;

struct Event {
  FrameKind kind;
  XmlError error;
  std::string bytes;
  bool operator==(const Event&) const = default;
};

constexpr rondel::base::StanzaLimits kLimits{600, 8, 6, 12};

/// `cuts` tells the length of each piece in turn; an empty one means a single piece.
std::vector<Event> run(std::string_view stream, std::string_view cuts) {
  std::vector<Event> events;
  Framer framer;
  std::string kept;
  for (std::size_t index = 0; !stream.empty(); ++index) {
    const std::size_t size =
        cuts.empty() ? stream.size() : 1 + static_cast<unsigned char>(cuts[index % cuts.size()]);
    std::string_view piece = stream.substr(0, size);
    stream.remove_prefix(piece.size());
    while (!piece.empty()) {
      const FrameEvent event = framer.feed(as_bytes(piece), kLimits);
      RONDEL_CHECK(event.consumed <= piece.size());
      kept += piece.substr(0, event.consumed);
      piece.remove_prefix(event.consumed);
      RONDEL_CHECK(kept.size() <= kLimits.stanza_bytes_max || event.kind == FrameKind::whitespace);
      if (event.kind == FrameKind::error) {
        events.push_back({event.kind, event.error, kept});
        return events;
      }
      if (event.kind == FrameKind::need_more) {
        RONDEL_CHECK(piece.empty() && framer.is_partial() == !kept.empty());
        continue;
      }
      RONDEL_CHECK(event.consumed > 0);
      if (event.kind != FrameKind::whitespace) {
        events.push_back({event.kind, XmlError::not_well_formed, kept});
      }
      kept.clear();
    }
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) {
    return 0;
  }
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view cuts = input.substr(0, 3);
  const std::string_view stream = input.substr(3);
  const std::vector<Event> whole = run(stream, {});
  RONDEL_CHECK(run(stream, cuts) == whole);
  constexpr std::string_view kOneByOne("\0", 1);
  RONDEL_CHECK(run(stream, kOneByOne) == whole);
  auto& parser = rondel::xml::ThreadParser::of_this_thread();
  const auto namespaces = rondel::xml::StreamNamespaces::client();
  for (const Event& event : whole) {
    if (event.kind != FrameKind::stanza) {
      continue;
    }
    const auto parsed = parser.parse(event.bytes, namespaces);
    if (parsed) {
      rondel::base::ByteBuffer out;
      rondel::xml::write(parsed->root(), out);
      const auto frame =
          Framer::inside_stream().feed(out.bytes(), {std::uint32_t{1} << 20, 1000, 1000, 1000});
      RONDEL_CHECK(frame.kind == FrameKind::stanza && frame.consumed == out.size());
    }
  }
  return 0;
}
