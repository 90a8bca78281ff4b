#include "base/short_text.h"

#include <gtest/gtest.h>
#include <string>

namespace rondel::base {
namespace {

TEST(IsSameShort, IsEqualityForEverySizeAndEveryPlaceOfADifference) {
  for (std::size_t size = 0; size < 40; ++size) {
    const std::string text(size, 'a');
    EXPECT_TRUE(is_same_short(text, std::string(text))) << size;
    EXPECT_FALSE(is_same_short(text, text + "a")) << size;
    for (std::size_t at = 0; at < size; ++at) {
      std::string other = text;
      other[at] = '\xe1';
      EXPECT_FALSE(is_same_short(text, other)) << size << " at " << at;
      EXPECT_FALSE(is_same_short(other, text)) << size << " at " << at;
    }
  }
}

}  // namespace
}  // namespace rondel::base
