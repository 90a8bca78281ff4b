#include "base/slab.h"

#include <gtest/gtest.h>
#include <set>

namespace rondel::base {
namespace {

TEST(Slab, FindsWhatWasInserted) {
  Slab<int> slab;
  const SlotHandle one = slab.insert(std::make_unique<int>(1));
  const SlotHandle two = slab.insert(std::make_unique<int>(2));
  EXPECT_EQ(*slab.find(one), 1);
  EXPECT_EQ(*slab.find(two), 2);
  EXPECT_EQ(slab.size(), 2u);
}

TEST(Slab, FindsNothingForAHandleThatWasNeverGiven) {
  Slab<int> slab;
  EXPECT_EQ(slab.find(SlotHandle{}), nullptr);
  EXPECT_EQ(slab.find(SlotHandle{0, 1}), nullptr);
  const SlotHandle one = slab.insert(std::make_unique<int>(1));
  EXPECT_EQ(slab.find(SlotHandle{one.slot, one.generation + 1}), nullptr);
  EXPECT_EQ(slab.find(SlotHandle{one.slot + 1, one.generation}), nullptr);
}

TEST(Slab, AHandleIsStaleOnceItsObjectWasTaken) {
  Slab<int> slab;
  const SlotHandle old = slab.insert(std::make_unique<int>(1));
  EXPECT_EQ(*slab.take(old), 1);
  EXPECT_EQ(slab.find(old), nullptr);
  EXPECT_EQ(slab.find({old.slot, old.generation + 1}), nullptr) << "the slot is empty";
  const SlotHandle fresh = slab.insert(std::make_unique<int>(2));
  EXPECT_EQ(fresh.slot, old.slot);
  EXPECT_NE(fresh.generation, old.generation);
  EXPECT_EQ(slab.find(old), nullptr);
  EXPECT_EQ(*slab.find(fresh), 2);
}

TEST(Slab, GenerationsStayWithinThe24BitsOfATag) {
  Slab<int> slab;
  SlotHandle handle = slab.insert(std::make_unique<int>(0));
  for (std::uint32_t i = 0; i <= Slab<int>::kGenerationMask; ++i) {
    auto object = slab.take(handle);
    handle = slab.insert(std::move(object));
    ASSERT_LE(handle.generation, Slab<int>::kGenerationMask);
  }
  EXPECT_EQ(handle.generation, 1u) << "all generations were used, and it begins anew";
}

TEST(Slab, ObjectsNeverMove) {
  Slab<int> slab;
  const SlotHandle first = slab.insert(std::make_unique<int>(1));
  const int* address = slab.find(first);
  for (int i = 0; i < 1000; ++i) {
    slab.insert(std::make_unique<int>(i));
  }
  EXPECT_EQ(slab.find(first), address);
}

TEST(Slab, VisitsEachObjectAndMayTakeItOutMeanwhile) {
  Slab<int> slab;
  for (int i = 0; i < 10; ++i) {
    slab.insert(std::make_unique<int>(i));
  }
  std::set<int> seen;
  slab.for_each([&](SlotHandle handle, int& value) {
    seen.insert(value);
    if (value % 2 == 0) {
      slab.take(handle);
    }
  });
  EXPECT_EQ(seen.size(), 10u);
  EXPECT_EQ(slab.size(), 5u);
}

}  // namespace
}  // namespace rondel::base
