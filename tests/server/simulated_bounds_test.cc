// Deadlines, bounds and the end of a server on simulated rings, in virtual time.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "tests/server/world.h"
#include "xml/parser.h"

namespace rondel::tests {
namespace {

using hooks::Verdict;
using testing::ElementsAre;
using testing::HasSubstr;

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

// --- Accounts

TEST(SimulatedAccounts, DoNotLetInWhoAuthenticatedBeforeTheAccountChanged) {
  using enum api::AccountEvent;
  for (const auto event : {password_changed, disabled, removed}) {
    World world;
    Clients clients;
    Client& client = add_client(world, clients, 0, 0);
    ASSERT_TRUE(client.authenticate());
    client.open_stream();
    ASSERT_TRUE(client.hears("</stream:features>"));
    const std::string local = client.jid().substr(0, client.jid().find('@'));
    world.shard(0).post_account_event({local, "example.org"}, event, {});
    client.ask_for_resource();
    EXPECT_TRUE(client.hears("<reset ")) << client.heard();
    EXPECT_EQ(world.shard(0).status().sessions, 0U);
    world.run(100);
    // Who proves it anew is let in: what is refused is the old proof.
    Client again(world, client.jid(), 0);
    EXPECT_TRUE(again.log_in());
    again.close();
    expect_quiet_end(world, clients);
  }
}

TEST(SimulatedAccounts, EndTheSessionsOfAnotherShardWhoseMailboxIsFull) {
  World world({.shards = 2});
  Clients clients;
  Client& client = add_client(world, clients, 1, 1);
  ASSERT_TRUE(client.log_in());
  while (world.shard(0).try_post(1, [](api::Shard&) {})) {
  }
  const std::string local = client.jid().substr(0, client.jid().find('@'));
  world.shard(0).post_account_event({local, "example.org"}, api::AccountEvent::password_changed,
                                    {});
  EXPECT_TRUE(client.hears("<reset ")) << client.heard();
  expect_quiet_end(world, clients);
}

TEST(SimulatedAccounts, AreNotAskedForWithoutEndByAStreamThatIsNotEncrypted) {
  World world({.tls = "required"});
  Clients clients;
  Client& client = add_client(world, clients, 0, 0);
  client.open_stream();
  ASSERT_TRUE(client.hears("</stream:features>"));
  for (int i = 1; i < base::kAuthenticationTriesMax; ++i) {
    client.say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='X-TRUST'>eA==</auth>");
    ASSERT_TRUE(client.hears("<encryption-required/></failure>")) << client.heard();
  }
  client.say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='X-TRUST'>eA==</auth>");
  EXPECT_TRUE(client.hears("<policy-violation ")) << client.heard();
  expect_quiet_end(world, clients);
}

// --- Bounds

TEST(SimulatedBounds, LetAClientAskAHostOneThingAtATime) {
  World world;
  Clients clients;
  Client& client = add_client(world, clients, 0, 0);
  ASSERT_TRUE(client.log_in());
  constexpr int kAsked = 40;
  for (int i = 0; i < kAsked; ++i) {
    client.say(
        fmt::format("<iq type='get' to='example.org' id='q{}'><slow xmlns='test'/></iq>", i));
  }
  for (int i = 0; i < kAsked; ++i) {
    EXPECT_TRUE(client.hears(fmt::format("id='q{}'", i))) << i;  // In the order in which it asked.
  }
  EXPECT_EQ(world.slow_requests_most(), 1);
  expect_quiet_end(world, clients);
}

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
    world.run(150);
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

TEST(SimulatedBounds, LetAClientRestThatSendsMoreThanItMayAndLoseNothing) {
  World world({.interface_options = "receive_rate = 20000\nreceive_burst = 100000\n"});
  Clients clients;
  Client& loud = add_client(world, clients, 0, 0);
  Client& other = add_client(world, clients, 0, 0);
  Client& friend_of_both = add_client(world, clients, 0, 0);
  for (Client* client : {&loud, &other, &friend_of_both}) {
    ASSERT_TRUE(client->log_in());
  }
  loud.set_piece_max(20'000);
  constexpr int kCount = 50;
  for (int i = 0; i < kCount; ++i) {
    loud.say(message(fmt::format("{}", i), friend_of_both.full_jid(), std::string(10'000, 'z')));
  }
  const base::Nanoseconds begin = world.ring(0).now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(world.ring(0).now() - begin).count();
  };
  // What it may say at once comes at once.
  std::vector<std::string> ids;
  const auto has_come = [&](std::size_t count) {
    return world.run_until([&] {
      for (std::string& id : take_message_ids(friend_of_both.heard())) {
        ids.push_back(std::move(id));
      }
      return ids.size() >= count;
    });
  };
  ASSERT_TRUE(has_come(5));
  EXPECT_LT(seconds(), 1.0);
  ASSERT_TRUE(has_come(20));
  // Nobody else waits.
  other.say(message("other", loud.full_jid(), "hello"));
  const double asked = seconds();
  ASSERT_TRUE(loud.hears("hello"));
  EXPECT_LT(seconds() - asked, 1.0);
  ASSERT_TRUE(has_come(kCount));
  // 500,000 bytes, of which 100,000 may come at once.
  EXPECT_GT(seconds(), 18.0);
  EXPECT_LT(seconds(), 26.0);
  for (int i = 0; i < kCount; ++i) {
    ASSERT_EQ(ids[static_cast<std::size_t>(i)], fmt::format("{}", i));
  }
  expect_quiet_end(world, clients);
}

TEST(SimulatedBounds, EndAConnectionThatRests) {
  for (const bool is_reset : {false, true}) {
    World world({.interface_options = "receive_rate = 1000\nreceive_burst = 10000\n"});
    Clients clients;
    Client& loud = add_client(world, clients, 0, 0);
    ASSERT_TRUE(loud.log_in());
    loud.set_piece_max(20'000);
    for (int i = 0; i < 20; ++i) {
      loud.say(message("m", "nobody@example.org", std::string(5'000, 'z')));
    }
    world.run(50);
    ASSERT_FALSE(loud.is_cut());
    if (is_reset) {
      loud.peer().reset();
    } else {
      const auto jid = xmpp::Jid::parse(loud.full_jid()).value();
      const api::Session* session = world.shard(0).find_session(jid.view());
      ASSERT_NE(session, nullptr);
      world.shard(0)
          .find_connection(session->connection())
          ->close(xmpp::StreamErrorCondition::policy_violation, "enough");
      EXPECT_TRUE(loud.hears("</stream:stream>"));
      loud.close();
    }
    EXPECT_TRUE(world.run_until([&] { return world.is_quiet(); })) << is_reset;
  }
}

TEST(SimulatedBounds, CutASlowReaderForWhomOthersWaitTooLong) {
  for (const std::uint16_t shards : {std::uint16_t{1}, std::uint16_t{2}}) {
    World world({.shards = shards});
    Clients clients;
    Client& victim = add_client(world, clients, 0, 0);
    Client& mute = add_client(world, clients, shards - 1u, 0);
    ASSERT_TRUE(victim.log_in());
    ASSERT_TRUE(mute.log_in());
    mute.set_reading(false);
    victim.set_piece_max(20'000);
    for (int i = 0; i < 100; ++i) {
      victim.say(message(fmt::format("{}", i), mute.full_jid(), std::string(10'000, 'z')));
    }
    victim.say(message("mine", victim.full_jid(), "heard again"));
    world.run(150);
    EXPECT_EQ(victim.heard().find("heard again"), std::string::npos);
    EXPECT_TRUE(victim.hears("heard again"));
    EXPECT_TRUE(mute.is_cut());
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

TEST(SimulatedBounds, LetCopiesWaitForRoomInTheMailbox) {
  World world({.shards = 2});
  Clients clients;
  Client& there = add_client(world, clients, 1, 1);
  ASSERT_TRUE(there.log_in());
  there.say("<presence/>");
  ASSERT_TRUE(world.run_until([&] {
    const api::User* user = world.shard(1).find_user(there.jid());
    return user != nullptr && user->sessions().front()->is_available();
  }));
  while (world.shard(0).try_post(1, [](api::Shard&) {})) {
  }
  const std::vector<std::string_view> targets{there.jid()};
  for (const char* show : {"chat", "away", "dnd"}) {
    auto presence = xml::parse_standalone(fmt::format(
        "<presence xmlns='jabber:client' from='x@example.org'><show>{}</show></presence>", show));
    ASSERT_TRUE(presence.has_value());
    world.shard(0).route_copies(*presence, targets);
  }
  static_cast<void>(there.heard());
  for (int i = 0; i < 50; ++i) {
    world.turn(0);
  }
  std::string heard;
  EXPECT_TRUE(world.run_until([&] {
    heard += there.heard();
    return heard.find("dnd") != std::string::npos;
  }));
  EXPECT_THAT(heard, testing::ContainsRegex("<show>chat<.*<show>away<.*<show>dnd<"));
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

/// Shard 1 has nobody; the other shard goes on for some turns of it, and posts to it at the end.
TEST(SimulatedStop, WaitsForTheOthersAndCarriesOutWhatTheyPost) {
  constexpr int kTurns = 7;
  World world({.shards = 2});
  const std::string receiver = world.add_user(1);
  std::vector<std::string> processed;
  world.before_process = [&](api::BeforeProcess& context) {
    processed.emplace_back(context.stanza.id());
    return Verdict::next();
  };
  int turns = 0;
  bool has_ended = false;
  const auto the_other_ends = [&] {
    has_ended = true;
    for (const char* id : {"1", "2", "3"}) {
      world.route(message(id, receiver, "", "sender@example.org/r"));
    }
    world.turn(0);
    --world.core().shards_running;
  };
  world.core().shards_running = 2;
  world.turn(1);
  world.shard(1).stop();
  world.ring(1).meanwhile = [&] {
    if (++turns == kTurns) {
      the_other_ends();
    }
  };
  world.shard(1).run();
  world.ring(1).meanwhile = nullptr;
  EXPECT_TRUE(has_ended) << "it left after " << turns << " turns, while another shard ran";
  EXPECT_EQ(world.core().shards_running, 0);
  EXPECT_THAT(processed, ElementsAre("1", "2", "3"));
  EXPECT_TRUE(world.shard(1).is_stopped());
}

}  // namespace
}  // namespace rondel::tests
