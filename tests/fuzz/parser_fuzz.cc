// Whatever the parser accepts must read the same after being written, and whatever it is given must
// leave no trace in the next stanza, which may be another connection's.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "base/check.h"
#include "xml/document.h"
#include "xml/parser.h"
#include "xml/stream_header.h"
#include "xml/writer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rondel::xml;
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
  const auto header = parse_stream_header(input);
  if (header) {
    // A header's own namespaces must always make a parser that works.
    const auto inside = parser.parse("<n xmlns='u'/>", header->namespaces);
    RONDEL_CHECK(inside.has_value() && inside->root().is("n", "u"));
  }
  return 0;
}
