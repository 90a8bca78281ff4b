#include "modules/last-activity/record.h"

#include <gtest/gtest.h>

namespace rondel::modules::last_activity {
namespace {

TEST(Record, ComesBackFromItsText) {
  for (const Record& record :
       {Record{0, ""}, Record{1'763'800'000'123, "adieu"}, Record{-1, "two\nlines\n"}}) {
    EXPECT_EQ(parse_record(to_text(record)), record);
  }
}

class BrokenRecords : public testing::TestWithParam<std::string_view> {};
TEST_P(BrokenRecords, AreNone) {
  EXPECT_EQ(parse_record(GetParam()), std::nullopt);
}
INSTANTIATE_TEST_SUITE_P(
    Texts,
    BrokenRecords,
    testing::Values("", "\n", "12", "12x\nhi", " 12\n", "x\n", "99999999999999999999\n"));

TEST(SecondsSince, AreWholeAndNeverNegative) {
  const Record record{10'000, ""};
  EXPECT_EQ(seconds_since(record, 10'000), 0);
  EXPECT_EQ(seconds_since(record, 10'999), 0);
  EXPECT_EQ(seconds_since(record, 11'000), 1);
  EXPECT_EQ(seconds_since(record, 9'000), 0);
}

}  // namespace
}  // namespace rondel::modules::last_activity
