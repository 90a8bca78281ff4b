// What a stanza costs in this room: finding it, reading it, writing it.
#include <benchmark/benchmark.h>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "base/check.h"
#include "perf/micro/counted.h"
#include "xml/document.h"
#include "xml/framer.h"
#include "xml/parser.h"
#include "xml/writer.h"

namespace rondel::xml {
namespace {

// 340 bytes, as a usual client sends them.
constexpr std::string_view kMessage =
    "<message from='romeo@example.org/orchard' to='juliet@example.org' type='chat' "
    "id='purple8c2f1a04' xml:lang='en'><body>Wherefore art thou? Deny thy father &amp; "
    "refuse thy name.</body><active xmlns='http://jabber.org/protocol/chatstates'/><request "
    "xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' "
    "id='purple8c2f1a045'/></message>";
static_assert(kMessage.size() == 340);

constexpr std::string_view kPresence =
    "<presence id='p1'><show>away</show><priority>5</priority><c "
    "xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://example.org/client' "
    "ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>";

constexpr std::string_view kPing = "<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>";

std::string_view stanza(std::int64_t number) {
  return number == 0 ? kMessage : number == 1 ? kPresence : kPing;
}

void frame(std::string_view bytes, std::size_t piece_bytes, Framer& framer) {
  while (!bytes.empty()) {
    const FrameEvent event =
        framer.feed(base::as_bytes(bytes.substr(0, piece_bytes)), base::kClientLimits);
    RONDEL_CHECK(event.kind != FrameKind::error);
    bytes.remove_prefix(event.consumed);
  }
}

void bm_frame(benchmark::State& state) {
  Framer framer = Framer::inside_stream();
  for (auto unused : state) {
    frame(stanza(state.range(0)), SIZE_MAX, framer);
  }
}
BENCHMARK(bm_frame)->DenseRange(0, 2)->ArgName("stanza")->Apply(rondel::perf::counted);

/// Stanzas that follow each other in one read.
void bm_frame_coalesced(benchmark::State& state) {
  std::string many;
  for (int count = 0; count < 48; ++count) {
    many += kMessage;
  }
  Framer framer = Framer::inside_stream();
  for (auto unused : state) {
    frame(many, SIZE_MAX, framer);
  }
  state.SetItemsProcessed(state.iterations() * 48);
}
BENCHMARK(bm_frame_coalesced)->Apply(rondel::perf::counted);

void bm_frame_bytewise(benchmark::State& state) {
  Framer framer = Framer::inside_stream();
  for (auto unused : state) {
    frame(kMessage, 1, framer);
  }
}
BENCHMARK(bm_frame_bytewise)->Apply(rondel::perf::counted);

void bm_parse(benchmark::State& state) {
  ThreadParser parser;
  const auto namespaces = StreamNamespaces::client();
  for (auto unused : state) {
    auto parsed = parser.parse(stanza(state.range(0)), namespaces);
    benchmark::DoNotOptimize(parsed);
  }
}
BENCHMARK(bm_parse)->DenseRange(0, 2)->ArgName("stanza")->Apply(rondel::perf::counted);

void bm_write(benchmark::State& state) {
  ThreadParser parser;
  const auto parsed = parser.parse(stanza(state.range(0)), StreamNamespaces::client());
  base::ByteBuffer out;
  for (auto unused : state) {
    out.clear();
    write(parsed->root(), out, {.from = "romeo@example.org/orchard"});
    benchmark::DoNotOptimize(out.text().data());
  }
}
BENCHMARK(bm_write)->DenseRange(0, 2)->ArgName("stanza")->Apply(rondel::perf::counted);

/// The whole way: DESIGN §10 allows 3 us for it together with the hooks.
void bm_frame_parse_write(benchmark::State& state) {
  ThreadParser parser;
  Framer framer = Framer::inside_stream();
  const auto namespaces = StreamNamespaces::client();
  base::ByteBuffer out;
  for (auto unused : state) {
    frame(kMessage, SIZE_MAX, framer);
    auto parsed = parser.parse(kMessage, namespaces);
    out.clear();
    write(parsed->root(), out, {.from = "romeo@example.org/orchard"});
    benchmark::DoNotOptimize(out.text().data());
  }
}
BENCHMARK(bm_frame_parse_write)->Apply(rondel::perf::counted);

void bm_clone(benchmark::State& state) {
  ThreadParser parser;
  const auto parsed = parser.parse(kMessage, StreamNamespaces::client());
  for (auto unused : state) {
    benchmark::DoNotOptimize(parsed->clone());
  }
}
BENCHMARK(bm_clone)->Apply(rondel::perf::counted);

}  // namespace
}  // namespace rondel::xml
