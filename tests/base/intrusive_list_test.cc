#include "base/intrusive_list.h"

#include <gtest/gtest.h>
#include <memory>
#include <vector>

namespace rondel::base {
namespace {

struct DirtyTag;
struct StarvedTag;
struct Item : ListLink<DirtyTag>, ListLink<StarvedTag> {
  explicit Item(int n) : number(n) {}
  int number;
};
using Dirty = IntrusiveList<Item, DirtyTag>;
using Starved = IntrusiveList<Item, StarvedTag>;

std::vector<int> drained(Dirty& list) {
  std::vector<int> numbers;
  while (!list.empty()) {
    numbers.push_back(list.pop_front().number);
  }
  return numbers;
}

TEST(IntrusiveList, KeepsTheOrderOfPushing) {
  Item a(1), b(2), c(3);
  Dirty list;
  list.push_back(a);
  list.push_back(b);
  list.push_back(c);
  EXPECT_EQ(list.front().number, 1);
  EXPECT_EQ(drained(list), (std::vector{1, 2, 3}));
  EXPECT_FALSE(static_cast<ListLink<DirtyTag>&>(a).is_linked());
}

TEST(IntrusiveList, AnElementLeavesWhenItIsDestroyed) {
  Item a(1), c(3);
  Dirty list;
  list.push_back(a);
  {
    Item b(2);
    list.push_back(b);
    list.push_back(c);
  }
  EXPECT_EQ(drained(list), (std::vector{1, 3}));
}

TEST(IntrusiveList, UnlinksFromTheMiddleAndTwiceWithoutHarm) {
  Item a(1), b(2), c(3);
  Dirty list;
  for (Item* item : {&a, &b, &c}) {
    list.push_back(*item);
  }
  static_cast<ListLink<DirtyTag>&>(b).unlink();
  static_cast<ListLink<DirtyTag>&>(b).unlink();
  EXPECT_EQ(drained(list), (std::vector{1, 3}));
}

TEST(IntrusiveList, AnObjectStandsInTwoListsByTag) {
  Item a(1);
  Dirty dirty;
  Starved starved;
  dirty.push_back(a);
  starved.push_back(a);
  dirty.pop_front();
  EXPECT_TRUE(dirty.empty());
  EXPECT_EQ(&starved.front(), &a);
}

TEST(IntrusiveList, TakesAllOfAnotherBehindItsOwn) {
  Item a(1), b(2), c(3);
  Dirty one, two, none;
  one.push_back(a);
  two.push_back(b);
  two.push_back(c);
  one.take_all(two);
  one.take_all(none);
  EXPECT_TRUE(two.empty());
  EXPECT_EQ(drained(one), (std::vector{1, 2, 3}));
}

TEST(IntrusiveList, ElementsOutliveTheirList) {
  Item a(1);
  {
    Dirty list;
    list.push_back(a);
  }
  EXPECT_FALSE(static_cast<ListLink<DirtyTag>&>(a).is_linked());
}

}  // namespace
}  // namespace rondel::base
