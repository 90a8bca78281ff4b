#include "base/utf8.h"

#include <gtest/gtest.h>
#include <string_view>

namespace rondel::base {
namespace {

using namespace std::string_view_literals;

TEST(Utf8, IsCheckedToTheBoundaries) {
  constexpr std::string_view kValid[] = {""sv,
                                         "a\0b"sv,
                                         "\x7f",
                                         "\xc2\x80",
                                         "\xdf\xbf",
                                         "\xe0\xa0\x80",
                                         "\xed\x9f\xbf",
                                         "\xee\x80\x80",
                                         "\xef\xbf\xbf",
                                         "\xf0\x90\x80\x80",
                                         "\xf4\x8f\xbf\xbf"};
  for (const auto text : kValid) {
    EXPECT_TRUE(is_valid_utf8(text)) << text;
  }
  constexpr std::string_view kInvalid[] = {"\x80",
                                           "\xbf",
                                           "\xc0\x80",
                                           "\xc1\xbf",
                                           "\xc2",
                                           "\xc2\x41",
                                           "\xc2\xc2",
                                           "\xe0\x9f\xbf",
                                           "\xe0\xa0",
                                           "\xed\xa0\x80",
                                           "\xed\xbf\xbf",
                                           "\xe1\x80\x41",
                                           "\xf0\x8f\xbf\xbf",
                                           "\xf4\x90\x80\x80",
                                           "\xf5\x80\x80\x80",
                                           "\xf0\x90\x80",
                                           "\xff",
                                           "a\xe2\x82",
                                           "\xf8\x88\x80\x80\x80"};
  for (const auto text : kInvalid) {
    EXPECT_FALSE(is_valid_utf8(text)) << text;
  }
}

TEST(Utf8, TellsHowLongASequenceIs) {
  const auto text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xff"sv;
  EXPECT_EQ(utf8_sequence_bytes(text, 0), 1U);
  EXPECT_EQ(utf8_sequence_bytes(text, 1), 2U);
  EXPECT_EQ(utf8_sequence_bytes(text, 2), 0U) << "the middle of a sequence";
  EXPECT_EQ(utf8_sequence_bytes(text, 3), 3U);
  EXPECT_EQ(utf8_sequence_bytes(text, 6), 4U);
  EXPECT_EQ(utf8_sequence_bytes(text, 10), 0U);
}

}  // namespace
}  // namespace rondel::base
