#include "store/column_values.h"

#include <gtest/gtest.h>
#include <limits>

namespace rondel::store {
namespace {

/// The numbers stand in databases of every server that has run: a change of one is a loss of data.
TEST(ColumnValues, AreTheNumbersThatStandInDatabases) {
  EXPECT_EQ(number_of(AccountState::active), 0);
  EXPECT_EQ(number_of(AccountState::disabled), 1);
  EXPECT_EQ(number_of(ScramHash::sha_1), 1);
  EXPECT_EQ(number_of(ScramHash::sha_256), 2);
  EXPECT_EQ(number_of(ScramHash::sha_512), 3);
  EXPECT_EQ(number_of(Subscription::none), 0);
  EXPECT_EQ(number_of(Subscription::to), 1);
  EXPECT_EQ(number_of(Subscription::from), 2);
  EXPECT_EQ(number_of(Subscription::both), 3);
  EXPECT_EQ(kind_of(1).value(), BindingKind::certificate_fingerprint);
  EXPECT_EQ(kind_of(2).value(), BindingKind::certificate_name);
  EXPECT_EQ(kind_of(3).value(), BindingKind::principal);
  EXPECT_EQ(number_of(time_of(1'700'000'000'123)), 1'700'000'000'123);
}

TEST(ColumnValues, AreReadAsTheyWereWritten) {
  for (const AccountState state : {AccountState::active, AccountState::disabled}) {
    EXPECT_EQ(state_of(number_of(state)), state);
  }
  for (const ScramHash hash : {ScramHash::sha_1, ScramHash::sha_256, ScramHash::sha_512}) {
    EXPECT_EQ(hash_of(number_of(hash)).value(), hash);
  }
  for (const Subscription each :
       {Subscription::none, Subscription::to, Subscription::from, Subscription::both}) {
    EXPECT_EQ(subscription_of(number_of(each)), each);
  }
  for (const std::uint64_t version : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
    EXPECT_EQ(unsigned_of(signed_of(version)), version);
  }
}

TEST(ColumnValues, OfALaterServerLetNobodyInAndGiveNobodyPresence) {
  EXPECT_EQ(state_of(2), AccountState::disabled);
  EXPECT_EQ(subscription_of(4), Subscription::none);
  for (const std::int64_t number : {-1, 0, 4}) {
    EXPECT_EQ(hash_of(number).error().failure, Failure::unavailable);
    EXPECT_EQ(kind_of(number).error().failure, Failure::unavailable);
  }
}

TEST(ColumnValues, ACountBeyondTheRangeMeansAll) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(bounded(0), 0);
  EXPECT_EQ(bounded(static_cast<std::uint64_t>(kMost)), kMost);
  EXPECT_EQ(bounded(~std::uint64_t{0}), kMost);
}

}  // namespace
}  // namespace rondel::store
