// Many connections, many seeds: each peer gets back what it wrote, byte for byte, and nothing is
// left over.
#include <gtest/gtest.h>
#include <random>

#include "tests/ring/echo_server.h"
#include "tests/ring/world.h"
#include "tests/support/sim_ring.h"

namespace rondel::tests {
namespace {

/// A peer that writes and reads at random, and knows what must come back.
struct Client {
  std::unique_ptr<WorldPeer> peer;
  std::string text;
  std::size_t written = 0;
  std::string echoed;
  bool has_ended_writing = false;

  void step(std::mt19937_64& random) {
    peer->pump();
    if (random() % 3 != 0 && written < text.size() && peer->unsent() < 4096) {
      const std::size_t bytes = std::min<std::size_t>(text.size() - written, random() % 3000);
      peer->write(std::string_view(text).substr(written, bytes));
      written += bytes;
    }
    if (written == text.size() && !has_ended_writing) {
      has_ended_writing = true;
      peer->shutdown_write();
    }
    if (random() % 2 == 0) {
      echoed += peer->read(1 + random() % 8000);
    }
  }
};

std::string random_text(std::mt19937_64& random, std::size_t bytes) {
  std::string text(bytes, '\0');
  for (char& character : text) {
    character = static_cast<char>(random());
  }
  return text;
}

std::vector<Client> make_clients(World& world, std::mt19937_64& random, std::size_t count) {
  std::vector<Client> clients(count);
  for (Client& client : clients) {
    client.peer = world.connect();
    client.text = random_text(random, random() % 40000);
  }
  return clients;
}

void expect_quiet(World& world, EchoServer& server, std::size_t fds_before) {
  server.stop();
  EXPECT_TRUE(run_until(world.ring(), server, [&] { return server.is_idle(); }));
  run_idle(world.ring(), server);
  EXPECT_EQ(world.operations_under_way(), 0U);
  EXPECT_TRUE(world.has_all_buffers());
  EXPECT_EQ(world.open_fds(), fds_before);
}

class ByteStreams : public testing::TestWithParam<WorldKind> {};

TEST_P(ByteStreams, come_back_whole_whatever_the_ring_does) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    const std::unique_ptr<World> world = GetParam().make(seed);
    const std::size_t fds_before = world->open_fds();
    EchoServer server(world->ring(), world->listener(), seed);
    std::vector<Client> clients = make_clients(*world, random, 12);
    ASSERT_TRUE(run_until(world->ring(), server, [&] {
      bool is_done = true;
      for (Client& client : clients) {
        client.step(random);
        is_done = is_done && client.echoed.size() == client.text.size() && client.has_ended_writing;
      }
      return is_done;
    })) << server.connections();
    for (const Client& client : clients) {
      EXPECT_TRUE(client.echoed == client.text);
    }
    EXPECT_EQ(server.accepted, clients.size());
    EXPECT_EQ(server.failed, 0U);
    clients.clear();
    expect_quiet(*world, server, fds_before);
  }
}

TEST_P(ByteStreams, of_the_others_are_untouched_when_peers_reset) {
  std::mt19937_64 random(99);
  const std::unique_ptr<World> world = GetParam().make(99);
  const std::size_t fds_before = world->open_fds();
  EchoServer server(world->ring(), world->listener(), 99);
  std::vector<Client> clients = make_clients(*world, random, 20);
  std::vector<bool> is_reset(clients.size(), false);
  ASSERT_TRUE(run_until(world->ring(), server, [&] {
    bool is_done = server.accepted == clients.size();
    for (std::size_t i = 0; i < clients.size(); ++i) {
      Client& client = clients[i];
      if (is_reset[i]) {
        continue;
      }
      if (i % 2 == 0 && server.accepted == clients.size() && random() % 10 == 0) {
        is_reset[i] = true;
        client.peer->reset();
        continue;
      }
      client.step(random);
      is_done = is_done && i % 2 == 1 && client.echoed.size() == client.text.size();
    }
    return is_done;
  }));
  for (std::size_t i = 1; i < clients.size(); i += 2) {
    EXPECT_TRUE(clients[i].echoed == clients[i].text);
  }
  clients.clear();
  expect_quiet(*world, server, fds_before);
}

INSTANTIATE_TEST_SUITE_P(rings, ByteStreams, testing::ValuesIn(all_worlds()), [](const auto& kind) {
  return kind.param.name;
});

}  // namespace
}  // namespace rondel::tests
