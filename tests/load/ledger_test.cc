#include "perf/load/ledger.h"

#include <gtest/gtest.h>
#include <vector>

namespace rondel::load {
namespace {

/// Two sessions that write to each other: pair 0 goes from 0 to 1.
class LedgerOfTwo : public ::testing::Test {
 protected:
  LedgerOfTwo() : ledger_(2, 1) {
    ledger_.set_partner(0, 1);
    ledger_.set_partner(1, 0);
    for (int i = 0; i < 10; ++i) {
      ledger_.next_number(0);
    }
  }

  Delivery deliver(std::uint32_t number, std::uint32_t session = 1) {
    return ledger_.delivered(session, {.pair = 0, .number = number});
  }
  void deliver_all(const std::vector<std::uint32_t>& numbers) {
    for (const std::uint32_t number : numbers) {
      deliver(number);
    }
    ledger_.settle();
  }

  Ledger ledger_;
};

TEST_F(LedgerOfTwo, IsCleanWhenEverythingComesOnceInOrder) {
  deliver_all({0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  EXPECT_TRUE(ledger_.counts().is_clean());
  EXPECT_EQ(ledger_.counts().delivered, 10U);
  EXPECT_EQ(ledger_.under_way(), 0U);
}

TEST_F(LedgerOfTwo, FindsAMessageLostInTheMiddleAndAtTheEnd) {
  deliver_all({0, 1, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(ledger_.counts().lost, 2U);
  EXPECT_EQ(ledger_.counts().delivered, 8U);
  ASSERT_EQ(ledger_.examples().size(), 2U);
  EXPECT_EQ(ledger_.examples()[0].number, 2U);
  EXPECT_EQ(ledger_.examples()[1].number, 9U);
}

TEST_F(LedgerOfTwo, FindsARepeatedMessageAtOnceAndLater) {
  deliver_all({0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 2, 9});
  EXPECT_EQ(ledger_.counts().repeated, 3U);
  EXPECT_EQ(ledger_.counts().lost, 0U);
  EXPECT_EQ(ledger_.counts().delivered, 10U);
}

TEST_F(LedgerOfTwo, CountsASwapAsOneMessageOutOfOrder) {
  deliver_all({0, 2, 1, 3, 4, 5, 6, 7, 8, 9});
  EXPECT_EQ(ledger_.counts().reordered, 1U);
  EXPECT_EQ(ledger_.counts().lost, 0U);
  EXPECT_EQ(ledger_.counts().repeated, 0U);
  EXPECT_EQ(ledger_.counts().delivered, 10U);
}

TEST_F(LedgerOfTwo, FindsALateMessageThatIsThenRepeated) {
  deliver_all({1, 0, 0, 2, 3, 4, 5, 6, 7, 8, 9});
  EXPECT_EQ(ledger_.counts().reordered, 1U);
  EXPECT_EQ(ledger_.counts().repeated, 1U);
}

TEST_F(LedgerOfTwo, FindsAMessageAtTheWrongSession) {
  EXPECT_EQ(deliver(0, 0), Delivery::misrouted);
  deliver_all({1, 2, 3, 4, 5, 6, 7, 8, 9});
  EXPECT_EQ(ledger_.counts().misrouted, 1U);
  EXPECT_EQ(ledger_.counts().lost, 1U);
}

TEST_F(LedgerOfTwo, DoesNotKnowWhatWasNeverSent) {
  EXPECT_EQ(deliver(10), Delivery::unknown);
  EXPECT_EQ(ledger_.delivered(1, {.pair = 77, .number = 0}), Delivery::unknown);
  EXPECT_EQ(ledger_.counts().delivered, 0U);
}

TEST_F(LedgerOfTwo, DoesNotAwaitWhatCameBack) {
  for (std::uint32_t number = 0; number < 9; ++number) {
    deliver(number);
  }
  ledger_.note_bounced({.pair = 0, .number = 9});
  EXPECT_EQ(ledger_.under_way(), 0U);
  EXPECT_FALSE(ledger_.counts().is_clean());
}

TEST(Ledger, KnowsSendersThatDoNotBeginAtZero) {
  Ledger ledger(3, 2, 100);
  EXPECT_EQ(ledger.pair_of(101, 1), 3U);
  EXPECT_EQ(ledger.sender_of(3), 101U);
}

TEST(MessageId, ReadsWhatItWrites) {
  const MessageId id{
      .run = 0xbeef, .pair = 0xfffffffe, .number = 0x01020304, .due_us = 0xffff'0000'ffffU};
  std::string text(MessageId::kTextSize, ' ');
  id.write(text.data());
  EXPECT_EQ(text, "fffffffe-0102-0304-beef-ffff0000ffff");
  MessageId read;
  ASSERT_TRUE(MessageId::read(text, read));
  EXPECT_EQ(read.run, id.run);
  EXPECT_EQ(read.pair, id.pair);
  EXPECT_EQ(read.number, id.number);
  EXPECT_EQ(read.due_us, id.due_us);
}

TEST(MessageId, RefusesOtherTexts) {
  MessageId id;
  for (const char* text :
       {"", "1", "fffffffe-0102-0304-beef-ffff0000fff", "purple-7a5b",
        "fffffffe-0102-0304-beef-ffff0000fffg", "FFFFFFFE-0102-0304-BEEF-FFFF0000FFFF"}) {
    EXPECT_FALSE(MessageId::read(text, id)) << text;
  }
}

}  // namespace
}  // namespace rondel::load
