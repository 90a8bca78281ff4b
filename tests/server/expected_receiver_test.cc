// Hints of what to load: never read through, so that whatever they say is harmless.
#include "server/expected_receiver.h"

#include <array>
#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <utility>

namespace rondel::server {
namespace {

ExpectedReceiver::Parts parts_ending_with(const void* begin) {
  ExpectedReceiver::Parts parts{};
  parts.back() = {begin, 64};
  return parts;
}

/// Together, since an allocator may put what it makes one after the other far apart.
struct Neighbours {
  ExpectedReceiver expected;
  std::array<std::uint64_t, 16> people{};
};

TEST(ExpectedReceiver, IsNobodyAtFirst) {
  const Neighbours near;
  EXPECT_FALSE(near.expected.is(&near.people[0]));
  near.expected.prefetch();
}

TEST(ExpectedReceiver, TellsReceiversApartByTheLastPart) {
  Neighbours near;
  near.expected.set(parts_ending_with(&near.people[0]));
  EXPECT_TRUE(near.expected.is(&near.people[0]));
  EXPECT_FALSE(near.expected.is(&near.people[8]));
  near.expected.set(parts_ending_with(&near.people[8]));
  EXPECT_TRUE(near.expected.is(&near.people[8]));
  near.expected.prefetch();
}

TEST(ExpectedReceiver, DoesNotReadThroughWhatHasGone) {
  ExpectedReceiver expected;
  {
    const auto gone = std::make_unique<std::uint64_t[]>(8);
    expected.set(parts_ending_with(gone.get()));
  }
  expected.prefetch();
}

TEST(ExpectedReceiver, LeavesOutWhatIsTooFarOff) {
  ExpectedReceiver expected;
  const auto self = reinterpret_cast<std::uintptr_t>(&expected);
  // 16 GiB are as far as 31 bits of 8 bytes go.
  for (const auto& [distance, is_kept] : {std::pair((std::intptr_t{1} << 34) - 8, true),
                                          {std::intptr_t{1} << 34, false},
                                          {-(std::intptr_t{1} << 34), true},
                                          {-(std::intptr_t{1} << 34) - 8, false}}) {
    const auto* far = reinterpret_cast<const void*>(self + static_cast<std::uintptr_t>(distance));
    expected.set(parts_ending_with(far));
    EXPECT_EQ(expected.is(far), is_kept) << distance;
    expected.prefetch();
  }
}

}  // namespace
}  // namespace rondel::server
