#include "base/result.h"

#include <cerrno>
#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace rondel::base {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) {
    return Unexpected(Error("odd"));
  }
  return number / 2;
}

Result<int> quarter(int number) {
  RONDEL_TRY(const int once, half(number));
  RONDEL_TRY(const int twice, half(once));
  return twice;
}

Result<void> check_even(int number) {
  RONDEL_TRY_VOID(half(number));
  return {};
}

TEST(Result, HoldsAValueOrAnError) {
  EXPECT_TRUE(half(4).has_value());
  EXPECT_EQ(*half(4), 2);
  EXPECT_FALSE(half(3));
  EXPECT_EQ(half(3).error().message, "odd");
}

TEST(Result, TryGoesOnWithTheValueOrReturnsTheError) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_EQ(quarter(6).error().message, "odd");
  EXPECT_TRUE(check_even(2));
  EXPECT_EQ(check_even(1).error().message, "odd");
}

TEST(Result, ValueOrGivesTheOtherOnlyForAnError) {
  EXPECT_EQ(half(8).value_or(-1), 4);
  EXPECT_EQ(half(7).value_or(-1), -1);
  const Result<int> failed = half(1);
  EXPECT_EQ(failed.value_or(5), 5);
}

TEST(Result, CarriesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(7);
  std::unique_ptr<int> taken = std::move(made).value();
  EXPECT_EQ(*taken, 7);
}

TEST(Result, TellsAValueFromAnErrorOfTheSameType) {
  const Result<std::string, std::string> good = std::string("a");
  const Result<std::string, std::string> bad = Unexpected(std::string("a"));
  EXPECT_TRUE(good.has_value());
  EXPECT_FALSE(bad.has_value());
}

TEST(Result, EndsTheProcessWhenAskedForWhatItDoesNotHold) {
  EXPECT_DEATH(static_cast<void>(half(3).value()), "invariant broken");
  EXPECT_DEATH(static_cast<void>(half(4).error()), "invariant broken");
  EXPECT_DEATH(check_even(3).value(), "invariant broken");
}

TEST(SystemError, NamesTheCallAndTheReason) {
  const Error error = system_error("open /x", ENOENT);
  EXPECT_EQ(error.message, "open /x: No such file or directory");
  EXPECT_EQ(error.code, std::errc::no_such_file_or_directory);
}

}  // namespace
}  // namespace rondel::base
