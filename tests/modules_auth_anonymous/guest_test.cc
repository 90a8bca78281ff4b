#include "modules/auth-anonymous/guest.h"

#include <gmock/gmock.h>
#include <set>

#include "xmpp/jid.h"

namespace rondel::modules::auth_anonymous {
namespace {

api::PeerAddress address(std::uint8_t last) {
  api::PeerAddress peer;
  peer.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, last};
  return peer;
}

TEST(GuestBook, RefusesBeyondEachLimitAndCountsNothingThen) {
  GuestBook book;
  EXPECT_TRUE(book.try_enter(address(1), 3, 2));
  EXPECT_TRUE(book.try_enter(address(1), 3, 2));
  EXPECT_FALSE(book.try_enter(address(1), 3, 2));
  EXPECT_EQ(book.count(), 2U);
  EXPECT_TRUE(book.try_enter(address(2), 3, 2));
  EXPECT_FALSE(book.try_enter(address(3), 3, 2));
  EXPECT_EQ(book.count(), 3U);
  book.leave(address(1));
  EXPECT_TRUE(book.try_enter(address(1), 3, 2));
}

TEST(GuestBook, CountsANetworkOfIpv6AsOneAddress) {
  GuestBook book;
  api::PeerAddress one;
  one.bytes = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 1};
  api::PeerAddress neighbour = one;
  neighbour.bytes[15] = 7;
  api::PeerAddress other = one;
  other.bytes[7] = 2;
  EXPECT_TRUE(book.try_enter(one, 10, 1));
  EXPECT_FALSE(book.try_enter(neighbour, 10, 1));
  EXPECT_TRUE(book.try_enter(other, 10, 1));
}

TEST(Guest, GivesItsPlaceBackWhenItGoes) {
  const auto book = std::make_shared<GuestBook>();
  ASSERT_TRUE(book->try_enter(address(1), 1, 1));
  {
    const Guest guest(book, address(1));
    EXPECT_FALSE(book->try_enter(address(1), 1, 1));
  }
  EXPECT_EQ(book->count(), 0U);
  EXPECT_TRUE(book->try_enter(address(1), 1, 1));
}

TEST(Guest, MaySpendAMinutesAllowanceAtOnceAndThenAsItGrows) {
  const auto book = std::make_shared<GuestBook>();
  ASSERT_TRUE(book->try_enter(address(1), 1, 1));
  Guest guest(book, address(1));
  constexpr std::uint64_t kStart = 1'000'000;
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(guest.try_spend(kStart, 60)) << i;
  }
  EXPECT_FALSE(guest.try_spend(kStart, 60));
  EXPECT_FALSE(guest.try_spend(kStart + 999, 60));
  EXPECT_TRUE(guest.try_spend(kStart + 1000, 60));
  EXPECT_FALSE(guest.try_spend(kStart + 1001, 60));
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(guest.try_spend(kStart + 200'000, 60)) << i;
  }
  EXPECT_FALSE(guest.try_spend(kStart + 200'000, 60));
}

TEST(GuestName, IsAnotherRandomUuidEachTimeAndALocalPart) {
  std::set<std::string> names;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = make_guest_name();
    ASSERT_THAT(name,
                testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                                      "[0-9a-f]{12}"));
    const auto jid = xmpp::Jid::from_parts(name, "example.org");
    ASSERT_TRUE(jid.has_value());
    EXPECT_EQ(jid->local(), name);
    names.insert(name);
  }
  EXPECT_EQ(names.size(), 1000U);
}

TEST(IsAtOrBelow, CountsWholeLabels) {
  EXPECT_TRUE(is_at_or_below("example.org", "example.org"));
  EXPECT_TRUE(is_at_or_below("rooms.example.org", "example.org"));
  EXPECT_FALSE(is_at_or_below("badexample.org", "example.org"));
  EXPECT_FALSE(is_at_or_below("example.org", "rooms.example.org"));
  EXPECT_FALSE(is_at_or_below(".example.org", "example.org"));
  EXPECT_FALSE(is_at_or_below("org", "example.org"));
}

}  // namespace
}  // namespace rondel::modules::auth_anonymous
