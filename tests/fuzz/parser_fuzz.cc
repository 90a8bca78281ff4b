// Whatever the parser accepts must read the same after being written, whatever it is given must
// leave no trace in the next stanza, which may be another connection's, and what is made from a
// shape must be what libxml2 makes of it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "base/check.h"
#include "xml/document.h"
#include "xml/framer.h"
#include "xml/parser.h"
#include "xml/push_context.h"
#include "xml/shape_scan.h"
#include "xml/stream_header.h"
#include "xml/writer.h"

namespace {

using namespace rondel::xml;

void check_against_libxml2(ThreadParser& parser, std::string_view stanza) {
  const auto expected = PushContext(StreamNamespaces::client()).parse(stanza);
  // Read, learned, met.
  for (int i = 0; i < 3; ++i) {
    const auto parsed = parser.parse(stanza, StreamNamespaces::client());
    RONDEL_CHECK(parsed.has_value() == expected.has_value());
    RONDEL_CHECK(!parsed || is_equal(parsed->root(), expected->root()));
    RONDEL_CHECK(!parsed || to_text(parsed->root()) == to_text(expected->root()));
  }
}

/// What is taken at once from the front of the bytes must be what framer and libxml2 find there.
void check_taking(ThreadParser& parser, std::string_view bytes) {
  constexpr rondel::base::StanzaLimits kLimits{2000, 6, 6, 12};
  Framer framer = Framer::inside_stream();
  while (!bytes.empty()) {
    const auto taken = parser.try_take(bytes, StreamNamespaces::client(), kLimits);
    const FrameEvent event =
        framer.feed({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, kLimits);
    if (!taken.stanza.empty()) {
      RONDEL_CHECK(event.kind == FrameKind::stanza && event.consumed == taken.bytes);
      const auto expected =
          PushContext(StreamNamespaces::client()).parse(bytes.substr(0, taken.bytes));
      RONDEL_CHECK(expected && to_text(taken.stanza.root()) == to_text(expected->root()));
    }
    if (event.kind != FrameKind::stanza && event.kind != FrameKind::whitespace) {
      return;
    }
    bytes.remove_prefix(event.consumed);
  }
}

/// The stanza with each of its values in turn replaced by the bytes behind it.
void check_other_values(ThreadParser& parser, std::string_view stanza, std::string_view value) {
  ShapeScan scan;
  if (!scan.read(stanza)) {
    return;
  }
  for (std::size_t i = 0; i < scan.slot_count(); ++i) {
    std::string other(stanza);
    other.replace(scan.slot(i).begin, scan.slot(i).end - scan.slot(i).begin, value);
    check_against_libxml2(parser, other);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  auto& parser = ThreadParser::of_this_thread();
  const auto namespaces = StreamNamespaces::client();
  const auto parsed = parser.parse(input, namespaces);
  if (parsed) {
    rondel::base::ByteBuffer out;
    write(parsed->root(), out);
    const auto again = parser.parse(out.text(), namespaces);
    RONDEL_CHECK(again.has_value() && is_equal(again->root(), parsed->root()));
    const auto standalone = parse_standalone(to_text(parsed->root()));
    RONDEL_CHECK(standalone.has_value() && is_equal(standalone->root(), parsed->root()));
    const Document clone = parsed->clone();
    RONDEL_CHECK(is_equal(clone.root(), parsed->root()));
    rondel::base::ByteBuffer same;
    write(clone.root(), same);
    RONDEL_CHECK(same.text() == out.text());
  }
  const auto other = parser.parse("<n>x;y&gt;</n>", namespaces);
  RONDEL_CHECK(other.has_value() &&
               to_text(other->root()) == "<n xmlns='jabber:client'>x;y&gt;</n>");
  check_against_libxml2(parser, input);
  check_taking(parser, input);
  if (const std::size_t end = input.find('\0'); end != std::string_view::npos) {
    check_other_values(parser, input.substr(0, end), input.substr(end + 1));
  }
  const auto header = parse_stream_header(input);
  if (header) {
    // A header's own namespaces must always make a parser that works.
    const auto inside = parser.parse("<n xmlns='u'/>", header->namespaces);
    RONDEL_CHECK(inside.has_value() && inside->root().is("n", "u"));
  }
  return 0;
}
