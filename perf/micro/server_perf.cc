// What a stanza costs on its way through a shard, on a simulated ring: no kernel, and no other
// load.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "perf/micro/counted.h"
#include "tests/server/world.h"
#include "xmpp/jid.h"

namespace rondel::tests {
namespace {

/// `count` users of one shard, each with a session that has sent presence.
Clients log_in(World& world, std::int64_t count) {
  Clients clients;
  for (std::int64_t i = 0; i < count; ++i) {
    Client& client = add_client(world, clients, 0, 0);
    RONDEL_CHECK(client.log_in());
    client.say("<presence/>");
    RONDEL_CHECK(world.run_until([&] { return client.has_said_all(); }));
    world.run(4);
    client.heard().clear();
  }
  return clients;
}

std::string chat(const std::string& to) {
  return fmt::format(
      "<message to='{}' type='chat' id='purple8c2f1a04' xml:lang='en'><body>Wherefore art thou? "
      "Deny thy father &amp; refuse thy name.</body><active "
      "xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/>"
      "</message>",
      to);
}

/// Bytes in from one socket, bytes out to another: frame, parse, interface, route, process, write,
/// send. `range` messages come together in a turn. The simulated ring's own work is in it, too.
void bm_message_through_shard(benchmark::State& state) {
  World world({.is_counted = false});
  Clients clients = log_in(world, 2);
  std::string burst;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    burst += chat(clients[1]->jid());
  }
  for (auto unused : state) {
    clients[0]->peer().write(burst);
    world.turn(0);
    benchmark::DoNotOptimize(clients[1]->peer().read());
  }
  clients[0]->peer().write(burst);
  RONDEL_CHECK(clients[1]->hears("</message>"));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(bm_message_through_shard)->Arg(1)->Arg(16)->ArgName("together")->Apply(perf::counted);

/// A turn with nothing to do: what of bm_message_through_shard is the loop's and the simulation's.
void bm_empty_turn(benchmark::State& state) {
  World world({.is_counted = false});
  Clients clients = log_in(world, 2);
  for (auto unused : state) {
    world.turn(0);
  }
}
BENCHMARK(bm_empty_turn)->Apply(perf::counted);

/// A stanza of the server's own: routing, choice of a session, writing, sending.
void bm_route(benchmark::State& state) {
  World world({.is_counted = false});
  Clients clients = log_in(world, 1);
  const std::string text =
      fmt::format("<message from='example.org' to='{}'><body>{}</body></message>",
                  clients[0]->jid(), std::string(60, 'x'));
  auto document = world.shard(0).parser().parse(text, xml::StreamNamespaces::client());
  RONDEL_CHECK(document.has_value());
  for (auto unused : state) {
    world.shard(0).route(document->clone());
    world.turn(0);
    benchmark::DoNotOptimize(clients[0]->peer().read());
  }
}
BENCHMARK(bm_route)->Apply(perf::counted);

/// One presence to `range` contacts that are all at home on this shard: their sessions are found,
/// and a copy is written and sent to each.
void bm_copies(benchmark::State& state) {
  World world({.is_counted = false});
  Clients clients = log_in(world, state.range(0));
  std::vector<std::string_view> targets;
  for (const auto& client : clients) {
    targets.push_back(client->jid());
  }
  const std::string text =
      "<presence from='romeo@example.org/orchard'><show>away</show><status>Wherefore art thou?"
      "</status><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' "
      "node='https://client.example' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>";
  auto document = world.shard(0).parser().parse(text, xml::StreamNamespaces::client());
  RONDEL_CHECK(document.has_value());
  for (auto unused : state) {
    world.shard(0).route_copies(*document, targets);
    world.turn(0);
    for (const auto& client : clients) {
      benchmark::DoNotOptimize(client->peer().read());
    }
  }
  world.shard(0).route_copies(*document, targets);
  RONDEL_CHECK(clients.back()->hears("</presence>"));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(bm_copies)->Arg(100)->ArgName("contacts")->Apply(perf::counted);

/// From a full JID to its session, among `range` users.
void bm_session_lookup(benchmark::State& state) {
  World world({.is_counted = false});
  Clients clients = log_in(world, state.range(0));
  std::vector<xmpp::Jid> addresses;
  for (const auto& client : clients) {
    addresses.push_back(xmpp::Jid::parse(client->full_jid()).value());
  }
  std::size_t at = 0;
  for (auto unused : state) {
    at = (at + 7919) % addresses.size();
    benchmark::DoNotOptimize(world.shard(0).find_session(addresses[at].view()));
  }
  RONDEL_CHECK(world.shard(0).find_session(addresses[at].view()) != nullptr);
}
BENCHMARK(bm_session_lookup)->Arg(10)->Arg(300)->ArgName("users")->Apply(perf::counted);

}  // namespace
}  // namespace rondel::tests
