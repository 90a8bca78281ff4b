// Whole lives of connections on simulated rings, with every misfortune that a kernel may bring.
#include <algorithm>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/connection.h"
#include "tests/server/world.h"

namespace rondel::tests {
namespace {

using hooks::Verdict;
using testing::ElementsAre;
using testing::HasSubstr;

using Clients = std::vector<std::unique_ptr<Client>>;

/// Ends everything and looks for what was left behind.
void expect_quiet_end(World& world, Clients& clients) {
  for (auto& client : clients) {
    client->set_reading(true);
    client->end_stream();
  }
  world.run_until([&] {
    bool is_over = true;
    for (auto& client : clients) {
      is_over = is_over &&
                (client->is_cut() || client->heard().find("</stream:stream>") != std::string::npos);
    }
    return is_over;
  });
  for (auto& client : clients) {
    client->close();
  }
  EXPECT_TRUE(world.run_until([&] { return world.is_quiet(); }));
}

Client& add_client(World& world, Clients& clients, std::size_t home, std::size_t shard) {
  clients.push_back(std::make_unique<Client>(world, world.add_user(home), shard));
  return *clients.back();
}

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

INSTANTIATE_TEST_SUITE_P(Fixed, Seeds, testing::Range<std::uint64_t>(1, 21));

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

// --- Deadlines

TEST(SimulatedDeadlines, EndAStreamThatDoesNotAuthenticate) {
  for (const bool opens : {false, true}) {
    World world;
    Clients clients;
    Client& client = add_client(world, clients, 0, 0);
    if (opens) {
      client.open_stream();
      ASSERT_TRUE(client.hears("</stream:features>"));
    }
    const base::Nanoseconds begin = world.ring(0).now();
    ASSERT_TRUE(client.hears("connection-timeout")) << client.heard();
    const auto waited = world.ring(0).now() - begin;
    EXPECT_GT(waited, base::Milliseconds(base::kAuthenticationDeadlineMs - 1000));
    EXPECT_LT(waited, base::Milliseconds(base::kAuthenticationDeadlineMs + 1000));
    expect_quiet_end(world, clients);
  }
}

TEST(SimulatedDeadlines, DoNotWaitForEverForThePeersEnd) {
  World world;
  Clients clients;
  Client& client = add_client(world, clients, 0, 0);
  ASSERT_TRUE(client.log_in());
  client.say("<not-a-stanza/>");
  ASSERT_TRUE(client.hears("</stream:stream>"));
  const base::Nanoseconds begin = world.ring(0).now();
  EXPECT_TRUE(world.run_until([&] { return world.is_quiet(); }));
  const auto waited = world.ring(0).now() - begin;
  EXPECT_GT(waited, base::Milliseconds(base::kCloseDeadlineMs - 1000));
  EXPECT_LT(waited, base::Milliseconds(base::kCloseDeadlineMs + 1000));
}

TEST(SimulatedDeadlines, DoNotTouchASilentSession) {
  World world;
  Clients clients;
  Client& client = add_client(world, clients, 0, 0);
  ASSERT_TRUE(client.log_in());
  world.run(2'000);
  EXPECT_GT(world.ring(0).now(), base::Milliseconds(2 * base::kAuthenticationDeadlineMs));
  client.say(message("m", client.full_jid(), "still here"));
  EXPECT_TRUE(client.hears("still here"));
  expect_quiet_end(world, clients);
}

// --- Bounds

TEST(SimulatedBounds, CutAPeerThatDoesNotReadWhateverIsUnderWay) {
  World world;
  Clients clients;
  Client& client = add_client(world, clients, 0, 0);
  ASSERT_TRUE(client.log_in());
  client.set_reading(false);
  const auto flood = [&](std::size_t bytes) {
    for (std::size_t sent = 0; sent < bytes; sent += 10'000) {
      world.route(message("m", client.full_jid(), std::string(10'000, 'z'), client.full_jid()));
    }
    world.run(20);
  };
  flood(200'000);  // More than its window: a send waits for ever.
  EXPECT_EQ(world.shard(0).status().sessions, 1U);
  flood(base::kOutputBytesMax);
  EXPECT_EQ(world.shard(0).status().sessions, 0U);
  EXPECT_TRUE(world.run_until([&] { return world.is_quiet(); }));
}

TEST(SimulatedBounds, HoldTheSenderOfASlowReaderAndLoseNothing) {
  for (const std::uint16_t shards : {std::uint16_t{1}, std::uint16_t{2}}) {
    World world({.shards = shards});
    Clients clients;
    Client& fast = add_client(world, clients, 0, 0);
    Client& slow = add_client(world, clients, shards - 1u, 0);
    ASSERT_TRUE(fast.log_in());
    ASSERT_TRUE(slow.log_in());
    slow.set_reading(false);
    fast.set_piece_max(20'000);
    constexpr int kCount = 400;
    for (int i = 0; i < kCount; ++i) {
      fast.say(message(fmt::format("{}", i), slow.full_jid(), std::string(10'000, 'z')));
    }
    world.run(3'000);
    ASSERT_FALSE(slow.is_cut());
    slow.set_reading(true);
    std::vector<std::string> ids;
    world.run_until([&] {
      for (std::string& id : take_message_ids(slow.heard())) {
        ids.push_back(std::move(id));
      }
      return ids.size() >= kCount;
    });
    ASSERT_EQ(ids.size(), static_cast<std::size_t>(kCount));
    for (int i = 0; i < kCount; ++i) {
      ASSERT_EQ(ids[static_cast<std::size_t>(i)], fmt::format("{}", i));
    }
    expect_quiet_end(world, clients);
  }
}

TEST(SimulatedBounds, BounceWhatAFullMailboxDoesNotTake) {
  World world({.shards = 2});
  Clients clients;
  Client& here = add_client(world, clients, 0, 0);
  Client& there = add_client(world, clients, 1, 1);
  ASSERT_TRUE(here.log_in());
  ASSERT_TRUE(there.log_in());
  const std::size_t capacity = world.core().mailbox(0, 1).capacity();
  for (std::size_t i = 0; i < capacity + 3; ++i) {
    world.route(message(fmt::format("{}", i), there.full_jid(), "", here.full_jid()));
  }
  for (int i = 0; i < 50; ++i) {
    world.turn(0);
    here.step();
  }
  const std::string heard = here.heard();
  EXPECT_THAT(heard, HasSubstr("resource-constraint"));
  EXPECT_EQ(
      take_message_ids(here.heard()),
      (std::vector<std::string>{fmt::format("!{}", capacity), fmt::format("!{}", capacity + 1),
                                fmt::format("!{}", capacity + 2)}));
  EXPECT_EQ(world.shard(0).status().mailbox_refused, 3U);
  std::size_t received = 0;
  world.run_until([&] {
    received += take_message_ids(there.heard()).size();
    return received == capacity;
  });
  EXPECT_EQ(received, capacity);
  expect_quiet_end(world, clients);
}

TEST(SimulatedBounds, LetMovingConnectionsWaitForRoomInTheMailbox) {
  World world({.shards = 2});
  Clients clients;
  for (int i = 0; i < 3; ++i) {
    Client& mover = add_client(world, clients, 1, 0);
    ASSERT_TRUE(mover.authenticate());
    mover.open_stream();
    ASSERT_TRUE(mover.hears("</stream:features>"));
  }
  while (world.shard(0).try_post(1, [](api::Shard&) {})) {
  }
  for (auto& mover : clients) {
    mover->ask_for_resource();
  }
  for (int i = 0; i < 50; ++i) {
    for (auto& mover : clients) {
      mover->step();
    }
    world.turn(0);
  }
  EXPECT_EQ(world.shard(0).status().connections, 3U);
  for (auto& mover : clients) {
    EXPECT_TRUE(mover->hears("</jid></bind></iq>")) << mover->heard();
  }
  EXPECT_EQ(world.shard(1).status().sessions, 3U);
  expect_quiet_end(world, clients);
}

/// A world in which stanzas with id "wait" wait.
struct SuspendingWorld : World {
  SuspendingWorld() {
    before_process = [this](api::BeforeProcess& context) {
      if (context.stanza.id() != "wait" || context.stanza.is_error()) {
        return Verdict::next();
      }
      continuation = context.continuation;
      return Verdict::suspend();
    };
  }
  std::uint64_t continuation = 0;
};

TEST(SimulatedSuspension, EndsWithATimeoutWhenNobodyResumes) {
  SuspendingWorld world;
  Clients clients;
  Client& client = add_client(world, clients, 0, 0);
  ASSERT_TRUE(client.log_in());
  client.say(message("wait", client.full_jid(), "x"));
  const base::Nanoseconds begin = world.ring(0).now();
  ASSERT_TRUE(client.hears("remote-server-timeout"));
  ASSERT_TRUE(client.hears("</message>"));
  EXPECT_GT(world.ring(0).now() - begin, base::Milliseconds(api::kSuspendDeadlineMs - 1000));
  world.shard(0).resume_processing(world.continuation, Verdict::next());  // Too late: nothing.
  world.run(10);
  EXPECT_THAT(take_message_ids(client.heard()), ElementsAre());
  expect_quiet_end(world, clients);
}

TEST(SimulatedSuspension, HoldsABoundedRowBehindIt) {
  SuspendingWorld world;
  Clients clients;
  Client& client = add_client(world, clients, 0, 0);
  Client& other = add_client(world, clients, 0, 0);
  ASSERT_TRUE(client.log_in());
  ASSERT_TRUE(other.log_in());
  world.route(message("wait", client.full_jid(), "", other.full_jid()));
  for (std::size_t i = 0; i < base::kPendingPerUserMax + 2; ++i) {
    world.route(message(fmt::format("{}", i), client.full_jid(), "", other.full_jid()));
  }
  ASSERT_TRUE(world.run_until([&] { return world.continuation != 0; }));
  world.run(5);
  EXPECT_THAT(other.heard(), HasSubstr("resource-constraint"));
  EXPECT_THAT(take_message_ids(other.heard()),
              ElementsAre(fmt::format("!{}", base::kPendingPerUserMax),
                          fmt::format("!{}", base::kPendingPerUserMax + 1)));
  world.shard(0).resume_processing(world.continuation, Verdict::next());
  std::vector<std::string> ids;
  world.run_until([&] {
    for (std::string& id : take_message_ids(client.heard())) {
      ids.push_back(std::move(id));
    }
    return ids.size() > base::kPendingPerUserMax;
  });
  ASSERT_EQ(ids.size(), base::kPendingPerUserMax + 1);
  EXPECT_EQ(ids.front(), "wait");
  EXPECT_EQ(ids.back(), fmt::format("{}", base::kPendingPerUserMax - 1));
  expect_quiet_end(world, clients);
}

TEST(SimulatedStop, EndsEveryStreamWithSystemShutdown) {
  World world({.shards = 2});
  Clients clients;
  Client& bound = add_client(world, clients, 1, 0);
  Client& fresh = add_client(world, clients, 0, 0);
  ASSERT_TRUE(bound.log_in());
  fresh.open_stream();
  ASSERT_TRUE(fresh.hears("</stream:features>"));
  world.shard(0).stop();
  world.shard(1).stop();
  EXPECT_TRUE(bound.hears("system-shutdown"));
  EXPECT_TRUE(fresh.hears("system-shutdown"));
  bound.close();
  fresh.close();
  EXPECT_TRUE(
      world.run_until([&] { return world.shard(0).is_stopped() && world.shard(1).is_stopped(); }));
}

}  // namespace
}  // namespace rondel::tests
