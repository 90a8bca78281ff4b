// Whole lives of connections on simulated rings, with every misfortune that a kernel may bring.
#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/server/world.h"

namespace rondel::tests {
namespace {

TEST(SimulatedServer, CarriesALoginAndAChat) {
  World world;
  Clients clients;
  Client& romeo = add_client(world, clients, 0, 0);
  Client& juliet = add_client(world, clients, 0, 0);
  ASSERT_TRUE(romeo.log_in()) << romeo.heard();
  ASSERT_TRUE(juliet.log_in()) << juliet.heard();
  EXPECT_EQ(world.shard(0).status().sessions, 2U);
  romeo.say(message("m1", juliet.full_jid(), "wherefore"));
  ASSERT_TRUE(juliet.hears("wherefore"));
  juliet.say(message("m2", romeo.full_jid(), "art thou"));
  ASSERT_TRUE(romeo.hears("art thou"));
  expect_quiet_end(world, clients);
}

TEST(SimulatedServer, TakesALoginByteByByte) {
  World world;
  Clients clients;
  Client& client = add_client(world, clients, 0, 0);
  client.set_piece_max(1);
  ASSERT_TRUE(client.log_in()) << client.heard();
  expect_quiet_end(world, clients);
}

TEST(SimulatedServer, AnswersWhatCameWhileAStreamWasPaused) {
  World world;
  Clients clients;
  Client& client = add_client(world, clients, 0, 0);
  ASSERT_TRUE(client.log_in());
  client.set_piece_max(100'000);
  std::string burst;
  for (int i = 0; i < 40; ++i) {
    burst += "<presence/>" + message(fmt::format("m{}", i), client.full_jid(), "to myself");
  }
  client.say(burst);
  std::vector<std::string> ids;
  world.run_until([&] {
    for (std::string& id : take_message_ids(client.heard())) {
      ids.push_back(std::move(id));
    }
    return ids.size() >= 40;
  });
  ASSERT_EQ(ids.size(), 40U);
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(ids[static_cast<std::size_t>(i)], fmt::format("m{}", i));
  }
  expect_quiet_end(world, clients);
}

// --- Many seeds

/// Everybody sends to everybody; what arrived, by sender and receiver, in order.
struct Chat {
  Chat(World& a_world, Clients& the_clients, int how_many)
      : world(a_world), clients(the_clients), count(how_many) {}

  void run() {
    for (std::size_t from = 0; from < clients.size(); ++from) {
      for (int n = 0; n < count; ++n) {
        const std::size_t to = world.between(0, clients.size() - 1);
        const std::string id = fmt::format("{}-{}-{}", from, to, sent[{from, to}]++);
        clients[from]->say(
            message(id, clients[to]->full_jid(), std::string(world.between(0, 3000), 'x')));
      }
    }
    world.run_until([this] {
      listen();
      return received == static_cast<std::size_t>(count) * clients.size() || all_cut();
    });
    world.run(200);
    listen();
  }

  void listen() {
    for (auto& client : clients) {
      for (const std::string& id : take_message_ids(client->heard())) {
        if (id.starts_with("!")) {
          ++bounced;
          continue;
        }
        std::size_t from = 0;
        std::size_t to = 0;
        int n = 0;
        ASSERT_EQ(std::sscanf(id.c_str(), "%zu-%zu-%d", &from, &to, &n), 3) << id;
        ASSERT_EQ(client.get(), clients[to].get()) << id;
        int& expected = next[{from, to}];
        ASSERT_GE(n, expected) << "repeated or out of order: " << id;
        gaps += n - expected;
        expected = n + 1;
        ++received;
      }
    }
  }
  [[nodiscard]] bool all_cut() const {
    return std::ranges::all_of(clients, [](const auto& client) { return client->is_cut(); });
  }

  World& world;
  Clients& clients;
  int count;
  std::map<std::pair<std::size_t, std::size_t>, int> sent, next;
  std::size_t received = 0;
  int gaps = 0;
  int bounced = 0;
};

class Seeds : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Seeds, LoseRepeatAndReorderNothingByHarmlessFaults) {
  for (const std::uint16_t shards : {std::uint16_t{1}, std::uint16_t{2}, std::uint16_t{3}}) {
    SCOPED_TRACE(fmt::format("seed {} shards {}", GetParam(), shards));
    World world({.seed = GetParam(), .shards = shards, .faults = SimFaults::harmless()});
    Clients clients;
    for (std::size_t i = 0; i < 4; ++i) {
      Client& client = add_client(world, clients, i % shards, world.between(0, shards - 1u));
      ASSERT_TRUE(client.log_in()) << client.heard();
    }
    Chat chat(world, clients, 25);
    chat.run();
    EXPECT_EQ(chat.received, 100U);
    EXPECT_EQ(chat.gaps, 0);
    EXPECT_EQ(chat.bounced, 0);
    expect_quiet_end(world, clients);
  }
}

TEST_P(Seeds, MoveAConnectionWithEverythingThatItHasSaid) {
  SCOPED_TRACE(fmt::format("seed {}", GetParam()));
  World world({.seed = GetParam(), .shards = 2, .faults = SimFaults::harmless()});
  Clients clients;
  Client& listener = add_client(world, clients, 0, 0);
  ASSERT_TRUE(listener.log_in());
  for (std::size_t i = 0; i < 6; ++i) {
    Client& mover = add_client(world, clients, i % 2, (i + 1) % 2);
    mover.set_piece_max(world.between(1, 5000));
    ASSERT_TRUE(mover.authenticate()) << mover.heard();
    // Nothing is waited for: header, binding and messages are in flight while it moves.
    mover.open_stream();
    mover.ask_for_resource();
    for (int n = 0; n < 20; ++n) {
      mover.say(message(fmt::format("{}-{}", i, n), listener.full_jid(),
                        std::string(world.between(0, 500), 'y')));
    }
  }
  std::vector<std::string> ids;
  EXPECT_TRUE(world.run_until([&] {
    for (std::string& id : take_message_ids(listener.heard())) {
      ids.push_back(std::move(id));
    }
    return ids.size() >= 120;
  }));
  for (std::size_t i = 0; i < 6; ++i) {
    std::vector<std::string> expected;
    std::vector<std::string> found;
    for (int n = 0; n < 20; ++n) {
      expected.push_back(fmt::format("{}-{}", i, n));
    }
    for (const std::string& id : ids) {
      if (id.starts_with(fmt::format("{}-", i))) {
        found.push_back(id);
      }
    }
    EXPECT_EQ(found, expected);
    EXPECT_NE(world.shard(i % 2).find_user(clients[i + 1]->jid()), nullptr);
  }
  expect_quiet_end(world, clients);
}

TEST_P(Seeds, SurviveBrokenConnectionsAndRepeatNothing) {
  SCOPED_TRACE(fmt::format("seed {}", GetParam()));
  SimFaults faults = SimFaults::harmless();
  World world({.seed = GetParam(), .shards = 2, .faults = faults});
  Clients clients;
  for (std::size_t i = 0; i < 6; ++i) {
    ASSERT_TRUE(add_client(world, clients, i % 2, world.between(0, 1)).log_in());
  }
  faults.reset = 10;
  faults.failed_receive = 10;
  world.ring(0).set_faults(faults);
  world.ring(1).set_faults(faults);
  Chat chat(world, clients, 30);
  chat.run();
  EXPECT_LE(chat.received, 180U);
  expect_quiet_end(world, clients);
}

TEST_P(Seeds, SurviveBrokenConnectionsInEveryStateOfALogin) {
  SCOPED_TRACE(fmt::format("seed {}", GetParam()));
  SimFaults faults = SimFaults::harmless();
  faults.reset = 60;
  faults.failed_receive = 60;
  World world({.seed = GetParam(), .shards = 2, .faults = faults});
  Clients clients;
  for (std::size_t i = 0; i < 12; ++i) {
    static_cast<void>(add_client(world, clients, i % 2, world.between(0, 1)).log_in());
  }
  expect_quiet_end(world, clients);
}

/// The world compares counters with a walk after each turn.
TEST_P(Seeds, CountSessionsThatComeMoveAndGoInEveryWay) {
  SCOPED_TRACE(fmt::format("seed {}", GetParam()));
  World world({.seed = GetParam(),
               .shards = 3,
               .faults = SimFaults::harmless(),
               .interface_options = "resources_max = 1\n"});
  Clients clients;
  for (std::size_t i = 0; i < 30; ++i) {
    Client& client = add_client(world, clients, world.between(0, 2), world.between(0, 2));
    switch (world.between(0, 6)) {
      case 0:  // A name that nobody has.
        clients.back() = std::make_unique<Client>(world, "nobody@example.org", i % 3);
        EXPECT_FALSE(clients.back()->log_in());
        break;
      case 1:  // Who comes again takes the resource over.
        ASSERT_TRUE(client.log_in());
        clients.push_back(std::make_unique<Client>(world, client.jid(), world.between(0, 2)));
        ASSERT_TRUE(clients.back()->log_in());
        break;
      case 2:
        ASSERT_TRUE(client.log_in());
        client.peer().reset();
        break;
      case 3:
        ASSERT_TRUE(client.log_in());
        client.end_stream();
        break;
      case 4:
        ASSERT_TRUE(client.authenticate());
        client.open_stream();
        client.ask_for_resource();
        world.run(static_cast<int>(world.between(0, 30)));
        client.peer().reset();
        break;
      default:
        ASSERT_TRUE(client.log_in());
    }
  }
  expect_quiet_end(world, clients);
}

/// Passes everything on; the kernel takes it over when the test wants it.
class PassingLayer final : public api::Layer {
 public:
  explicit PassingLayer(const bool& wants_socket) : wants_socket_(wants_socket) {}
  Status receive(std::span<const std::byte> wire,
                 base::ByteBuffer& plain,
                 base::ByteBuffer& /*wire_out*/) override {
    is_up_ = true;
    plain.append(wire);
    return Status::ok;
  }
  Status send(std::span<const std::byte> plain, base::ByteBuffer& wire_out) override {
    wire_out.append(plain);
    return Status::ok;
  }
  void close(base::ByteBuffer& /*wire_out*/) override {}
  [[nodiscard]] bool is_up() const override { return is_up_; }
  [[nodiscard]] api::LayerInfo info() const override {
    api::LayerInfo info;
    info.name = "passing";
    info.engine = is_transparent_ ? "socket" : "passing";
    return info;
  }
  [[nodiscard]] std::optional<std::string> channel_binding(std::string_view) const override {
    return std::nullopt;
  }
  [[nodiscard]] std::string_view failure() const override { return {}; }
  [[nodiscard]] bool wants_socket() const override { return wants_socket_; }
  Status enter_socket(int /*fd*/) override {
    is_transparent_ = true;
    return Status::ok;
  }
  [[nodiscard]] bool is_transparent() const override { return is_transparent_; }

 private:
  const bool& wants_socket_;
  bool is_up_ = false;
  bool is_transparent_ = false;
};

TEST(SimulatedServer, CountsASessionWhereTheKernelHasTakenItsRecordsOver) {
  bool wants_socket = false;
  World world;
  Clients clients;
  Client& client = add_client(world, clients, 0, 0);
  ASSERT_TRUE(client.authenticate());
  world.shard(0)
      .find_connection({0, {0, 1}})
      ->install_layer(std::make_unique<PassingLayer>(wants_socket));
  client.open_stream();
  ASSERT_TRUE(client.hears("</stream:features>")) << client.heard();
  client.ask_for_resource();
  ASSERT_TRUE(client.hears("</jid></bind></iq>")) << client.heard();
  using Engines = std::vector<std::pair<std::string, std::uint64_t>>;
  EXPECT_EQ(world.shard(0).status().engines, (Engines{{"passing", 1}}));
  // It is handed over when no receive is under way and nothing is to be sent.
  wants_socket = true;
  SimFaults faults;
  faults.ended_multishot = 1000;
  world.ring(0).set_faults(faults);
  client.say(" ");
  EXPECT_TRUE(world.run_until([&] {
    return world.shard(0).status().engines == Engines{{"socket", 1}};
  }));
  expect_quiet_end(world, clients);
}

INSTANTIATE_TEST_SUITE_P(Fixed, Seeds, testing::Range<std::uint64_t>(1, 21));

// --- Accounts

TEST(SimulatedAccounts, AreAskedForAgainIfWhatAnExchangeWasToldOfThemIsOldOrChanged) {
  enum class Meanwhile { nothing, a_change, time };
  for (const auto meanwhile : {Meanwhile::nothing, Meanwhile::a_change, Meanwhile::time}) {
    World world;
    Clients clients;
    Client client(world, "nobody@example.org", 0);  // The storage knows of no such account.
    client.open_stream();
    ASSERT_TRUE(client.hears("</stream:features>"));
    client.say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='X-TOLD'/>");
    ASSERT_TRUE(client.hears("</challenge>"));
    if (meanwhile == Meanwhile::a_change) {
      world.shard(0).post_account_event({"nobody", "example.org"}, api::AccountEvent::removed, {});
    } else if (meanwhile == Meanwhile::time) {
      const auto until = world.ring(0).now() + base::Milliseconds(3000);
      ASSERT_TRUE(world.run_until([&] { return world.ring(0).now() > until; }));
    }
    client.say("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>bm9ib2R5</response>");
    EXPECT_TRUE(client.hears(meanwhile == Meanwhile::nothing ? "<success" : "<not-authorized/>"))
        << client.heard();
    client.close();
    expect_quiet_end(world, clients);
  }
}

// --- The end, in each state

/// How far a client goes before it ends.
enum class Stage { connected, opened, authenticating, authenticated, binding, bound, paused };
enum class Ending { reset, close, half_close };

class Endings : public testing::TestWithParam<std::tuple<Stage, Ending>> {};

TEST_P(Endings, LeaveNothingBehind) {
  const auto [stage, ending] = GetParam();
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    World world({.seed = seed, .shards = 2, .faults = {.late_completion = 500}});
    Clients clients;
    Client& client = add_client(world, clients, 1, 0);
    client.set_piece_max(5000);
    if (stage >= Stage::bound) {
      ASSERT_TRUE(client.log_in());
      if (stage == Stage::paused) {
        client.say("<presence/>" + message("m", client.full_jid(), "x"));
      }
    } else if (stage >= Stage::authenticated) {
      ASSERT_TRUE(client.authenticate());
      client.open_stream();
      if (stage == Stage::binding) {
        ASSERT_TRUE(client.hears("</stream:features>"));
        client.ask_for_resource();
      }
    } else if (stage >= Stage::opened) {
      client.open_stream();
      if (stage == Stage::authenticating) {
        ASSERT_TRUE(client.hears("</stream:features>"));
        client.say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='X-TRUST'/>");
      }
    }
    world.run(static_cast<int>(seed * 3));
    if (ending == Ending::reset) {
      client.peer().reset();
    } else if (ending == Ending::close) {
      client.close();
    } else {
      client.peer().shutdown_write();
    }
    EXPECT_TRUE(world.run_until([&] { return world.is_quiet(); })) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All,
    Endings,
    testing::Combine(testing::Values(Stage::connected,
                                     Stage::opened,
                                     Stage::authenticating,
                                     Stage::authenticated,
                                     Stage::binding,
                                     Stage::bound,
                                     Stage::paused),
                     testing::Values(Ending::reset, Ending::close, Ending::half_close)));

}  // namespace
}  // namespace rondel::tests
