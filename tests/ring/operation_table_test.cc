#include "ring/operation_table.h"

#include <gtest/gtest.h>
#include <map>
#include <random>
#include <vector>

namespace rondel::ring {
namespace {

constexpr std::uint32_t kNone = OperationTable::kNone;

Tag receive_tag(std::uint32_t slot) {
  return {Op::receive, {slot, 1}};
}

TEST(OperationTable, finds_by_key_until_removed) {
  OperationTable table;
  const std::uint32_t index = table.add(OperationKind::send, 7, nullptr, 3, receive_tag(1));
  const std::uint64_t key = table.key(index);
  EXPECT_EQ(table.find(key), index);
  EXPECT_EQ(table[index].fd, 7);
  table.remove(index);
  EXPECT_EQ(table.find(key), kNone);
  EXPECT_EQ(table.find(kUnreportedKey), kNone);
}

TEST(OperationTable, gives_a_slot_again_under_another_key) {
  OperationTable table;
  const std::uint32_t index = table.add(OperationKind::send, 7, nullptr, 3, receive_tag(1));
  const std::uint64_t key = table.key(index);
  table.remove(index);
  EXPECT_EQ(table.add(OperationKind::send, 7, nullptr, 3, receive_tag(1)), index);
  EXPECT_NE(table.key(index), key);
  EXPECT_EQ(table.find(key), kNone);
}

TEST(OperationTable, no_key_is_the_one_that_liburing_uses_for_itself) {
  OperationTable table;
  const std::uint32_t index = table.add(OperationKind::send, 7, nullptr, 3, receive_tag(1));
  EXPECT_NE(table.key(index), ~std::uint64_t{0});
  EXPECT_NE(table.key(index), kUnreportedKey);
}

TEST(OperationTable, lists_keep_their_order_when_the_middle_is_taken_out) {
  OperationTable table;
  OperationList list{OperationPlace::parked};
  std::vector<std::uint32_t> indices;
  for (std::uint32_t slot = 0; slot < 5; ++slot) {
    indices.push_back(table.add(OperationKind::send, 1, nullptr, 0, receive_tag(slot)));
    table.push_back(list, indices.back());
  }
  table.unlink(list, indices[2]);
  table.unlink(list, indices[4]);
  EXPECT_EQ(list.size, 3U);
  EXPECT_EQ(table.pop_front(list), indices[0]);
  EXPECT_EQ(table.pop_front(list), indices[1]);
  EXPECT_EQ(table.pop_front(list), indices[3]);
  EXPECT_EQ(list.size, 0U);
  EXPECT_EQ(list.first, kNone);
  EXPECT_EQ(list.last, kNone);
}

TEST(OperationTable, agrees_with_a_map_over_many_random_steps) {
  OperationTable table;
  std::multimap<std::uint32_t, std::uint32_t> model;  // slot of the tag -> index
  std::mt19937_64 random(1);
  for (int step = 0; step < 20'000; ++step) {
    const auto slot = static_cast<std::uint32_t>(random() % 300);
    const bool grows = step < 5'000 ? random() % 4 != 0 : random() % 2 == 0;
    if (grows) {
      model.emplace(slot, table.add(OperationKind::send, 1, nullptr, 0, receive_tag(slot)));
    } else if (const auto found = model.find(slot); found != model.end()) {
      table.remove(found->second);
      model.erase(found);
    }
    std::size_t count = 0;
    for (std::uint32_t index = table.first_with(receive_tag(slot)); index != kNone;
         index = table.next_with(receive_tag(slot), index)) {
      ++count;
    }
    ASSERT_EQ(count, model.count(slot));
    ASSERT_EQ(table.size(), model.size());
  }
}

TEST(Tag, survives_packing) {
  for (const Tag tag : {Tag{Op::receive, {5, 0xff'ffff}}, Tag{Op::connect, {0xffff'fffe, 0}}}) {
    EXPECT_EQ(Tag::unpacked(tag.packed()), tag);
  }
}

}  // namespace
}  // namespace rondel::ring
