#include "modules/presence/presence_session.h"

#include <gtest/gtest.h>
#include <string>

namespace rondel::modules::presence {
namespace {

xmpp::Jid jid(std::string_view text) {
  auto parsed = xmpp::Jid::parse(text);
  EXPECT_TRUE(parsed.has_value()) << text;
  return std::move(*parsed);
}

TEST(AddressSet, HoldsEachAddressOnceInOrder) {
  AddressSet set;
  for (const char* address : {"c@x", "a@x", "b@x"}) {
    EXPECT_TRUE(set.add(address));
    EXPECT_FALSE(set.add(address));
  }
  EXPECT_EQ(set.all(), (std::vector<std::string>{"a@x", "b@x", "c@x"}));
  set.remove("b@x");
  set.remove("b@x");
  EXPECT_FALSE(set.contains("b@x"));
  EXPECT_TRUE(set.contains("c@x"));
}

TEST(AddressSet, RemovesAnAccountWithItsResourcesAndNoOther) {
  AddressSet set;
  for (const char* address : {"a@x", "a@x/1", "a@x/2", "a@xy", "a@xy/1", "ba@x"}) {
    set.add(address);
  }
  set.remove_all_of("a@x");
  EXPECT_EQ(set.all(), (std::vector<std::string>{"a@xy", "a@xy/1", "ba@x"}));
}

TEST(DirectedPresence, IsRememberedUntilItIsTakenBack) {
  PresenceSession session;
  EXPECT_TRUE(session.directed_available(jid("a@x/1")));
  EXPECT_TRUE(session.directed_available(jid("b@x")));
  EXPECT_TRUE(session.was_directed_to(jid("a@x/1")));
  EXPECT_FALSE(session.was_directed_to(jid("a@x/2")));
  EXPECT_FALSE(session.was_directed_to(jid("a@x")));
  EXPECT_TRUE(session.was_directed_to(jid("b@x/any")));
  session.directed_unavailable(jid("a@x/1"), false);
  EXPECT_FALSE(session.was_directed_to(jid("a@x/1")));
  session.withdrawn();
  EXPECT_EQ(session.directed().size(), 0u);
}

TEST(DirectedPresence, UnavailableToAnAccountTakesItBackFromAllItsResources) {
  PresenceSession session;
  EXPECT_TRUE(session.directed_available(jid("a@x/1")));
  EXPECT_TRUE(session.directed_available(jid("a@x/2")));
  session.directed_unavailable(jid("a@x"), false);
  EXPECT_EQ(session.directed().size(), 0u);
}

TEST(DirectedPresence, UnavailableLeavesASubscriberOutUntilTheNextBroadcast) {
  PresenceSession session;
  session.directed_unavailable(jid("a@x"), true);
  session.directed_unavailable(jid("b@x"), false);
  session.directed_unavailable(jid("c@x/1"), true);
  EXPECT_TRUE(session.leaves_out("a@x"));
  EXPECT_FALSE(session.leaves_out("b@x")) << "no subscriber";
  EXPECT_FALSE(session.leaves_out("c@x")) << "only one resource was told";
  session.announced(5);
  EXPECT_FALSE(session.leaves_out("a@x"));
  EXPECT_EQ(session.announced_ms(), 5);
}

TEST(DirectedPresence, AvailableLetsASubscriberInAgain) {
  PresenceSession session;
  session.directed_unavailable(jid("a@x"), true);
  EXPECT_TRUE(session.directed_available(jid("a@x/1")));
  EXPECT_FALSE(session.leaves_out("a@x"));
}

TEST(DirectedPresence, IsBounded) {
  PresenceSession session;
  for (std::size_t i = 0; i < PresenceSession::kDirectedMax; ++i) {
    ASSERT_TRUE(session.directed_available(jid("a" + std::to_string(i) + "@x")));
  }
  EXPECT_FALSE(session.directed_available(jid("b@x")));
  EXPECT_TRUE(session.directed_available(jid("a0@x"))) << "again to the same is no more";
  EXPECT_EQ(session.directed().size(), PresenceSession::kDirectedMax);
}

}  // namespace
}  // namespace rondel::modules::presence
