// What shards say to each other, and how they hear of it.
#include "server/mailbox.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/spsc_queue.h"
#include "server/connection.h"
#include "server/posted.h"
#include "xmpp/stanza.h"

namespace rondel::server {
namespace {

TEST(Mailbox, HasABoundedCapacityForEveryNumberOfShards) {
  struct Row {
    std::size_t shards, capacity;
  };
  for (const Row& row : {Row{0, 8192},
                         {1, 8192},
                         {2, 8192},
                         {4, 8192},
                         {8, 4096},
                         {62, 512},
                         {64, 512},
                         {65, 256},
                         {128, 256},
                         {256, 256}}) {
    EXPECT_EQ(mailbox_capacity(row.shards), row.capacity) << row.shards;
  }
}

xmpp::Stanza message_to(std::string_view to, std::size_t text_bytes) {
  xml::Document document = xml::Document::create("message", "jabber:client");
  document.root().set_attribute(document.arena(), "to", to);
  xml::ElementBuilder(document).child("body").text(std::string(text_bytes, 'x'));
  return std::move(*xmpp::Stanza::from_document(std::move(document)));
}

TEST(Mailbox, HasSmallCellsBecauseItGoesRound) {
  EXPECT_LE(sizeof(Message), 16U);
}

TEST(Mailbox, BringsStanzasOfEverySizeToAnotherThreadWhole) {
  Mailbox mailbox(16);
  const base::ConnectionId source{1, {2, 3}};
  constexpr std::size_t kCount = 500;
  std::thread sender([&] {
    for (std::size_t i = 0; i < kCount; ++i) {
      Message message(RouteStanza(message_to("juliet@example.org", i * 37), source));
      while (!mailbox.try_push(std::move(message))) {
        std::this_thread::yield();
      }
    }
  });
  for (std::size_t i = 0; i < kCount;) {
    std::optional<Message> message = mailbox.try_pop();
    if (!message) {
      std::this_thread::yield();
      continue;
    }
    auto& route = std::get<RouteStanza>(*message);
    EXPECT_EQ(route.source(), source);
    const xmpp::Stanza stanza = std::move(route).take();
    message.reset();
    EXPECT_EQ(stanza.to().full(), "juliet@example.org");
    EXPECT_EQ(stanza.root().child("body")->text().size(), i * 37);
    ++i;
  }
  sender.join();
}

std::vector<std::size_t> taken(PostedBy& posted_by) {
  std::vector<std::size_t> shards;
  posted_by.take_all([&](std::size_t shard) { shards.push_back(shard); });
  return shards;
}

TEST(PostedBy, NamesEachShardOnceAndIsEmptyThen) {
  for (const std::size_t shards : {1U, 64U, 65U, 200U}) {
    PostedBy posted_by(shards);
    EXPECT_TRUE(posted_by.empty());
    posted_by.add(shards - 1);
    posted_by.add(0);
    posted_by.add(shards - 1);
    EXPECT_FALSE(posted_by.empty());
    const std::vector<std::size_t> expected =
        shards == 1 ? std::vector<std::size_t>{0} : std::vector<std::size_t>{0, shards - 1};
    EXPECT_EQ(taken(posted_by), expected) << shards;
    EXPECT_TRUE(posted_by.empty());
  }
}

TEST(PostedBy, KeepsWhoIsAddedWhileItIsTaken) {
  PostedBy posted_by(200);
  posted_by.add(70);
  posted_by.take_all([&](std::size_t shard) { posted_by.add(shard); });
  EXPECT_EQ(taken(posted_by), std::vector<std::size_t>{70});
}

TEST(PostedBy, LosesNothingThatIsPostedMeanwhile) {
  constexpr std::size_t kSenders = 3;
  constexpr std::size_t kTurns = 20'000;
  PostedBy posted_by(70);
  std::vector<std::unique_ptr<base::SpscQueue<std::size_t>>> queues;
  std::vector<std::thread> senders;
  for (std::size_t i = 0; i < kSenders; ++i) {
    queues.push_back(std::make_unique<base::SpscQueue<std::size_t>>(16));
  }
  for (std::size_t i = 0; i < kSenders; ++i) {
    senders.emplace_back([&, i] {
      for (std::size_t turn = 0; turn < kTurns; ++turn) {
        for (std::size_t post = 0; post < 3;
             ++post) {  // As a shard does: at the first, and behind the last.
          while (!queues[i]->try_push(turn * 3 + post)) {
            std::this_thread::yield();
          }
          if (post != 1) {
            posted_by.add(i * 32);
          }
        }
      }
    });
  }
  std::vector<std::size_t> next(kSenders);
  while (std::ranges::any_of(next, [](std::size_t number) { return number < kTurns * 3; })) {
    posted_by.take_all([&](std::size_t shard) {
      while (const std::optional<std::size_t> number = queues[shard / 32]->try_pop()) {
        EXPECT_EQ(*number, next[shard / 32]++);
      }
    });
  }
  for (std::thread& sender : senders) {
    sender.join();
  }
  for (const auto& queue : queues) {
    EXPECT_TRUE(queue->empty());
  }
}

TEST(Mailbox, FreesWhatNobodyTook) {
  Mailbox mailbox(16);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(mailbox.try_push(Message(RouteStanza(message_to("a@b", 5000), {}))));
  }
}

}  // namespace
}  // namespace rondel::server
