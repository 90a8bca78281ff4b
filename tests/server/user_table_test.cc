#include "server/user_table.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rondel::server {
namespace {

TEST(UserTable, FindsWhoIsThereAndNobodyElse) {
  UserTable table;
  std::map<std::string, UserEntry*> expected;
  std::mt19937 random(7);
  for (int step = 0; step < 20'000; ++step) {
    // Grows to some 1,500 users, and shrinks again to a few.
    const std::string jid = fmt::format("user{}@example.org", random() % 2'000);
    const bool is_wanted = random() % 4 < (step < 10'000 ? 3U : 1U);
    const auto found = expected.find(jid);
    ASSERT_EQ(table.find(jid), found == expected.end() ? nullptr : found->second);
    if (is_wanted && found == expected.end()) {
      auto user = std::make_unique<UserEntry>(xmpp::Jid::parse(jid).value());
      expected[jid] = user.get();
      ASSERT_EQ(&table.insert(std::move(user)), expected[jid]);
    } else if (!is_wanted && found != expected.end()) {
      table.erase(*found->second);
      expected.erase(found);
    }
    ASSERT_EQ(table.size(), expected.size());
  }
  std::vector<std::string> all;
  for (int i = 0; i < 2'000; ++i) {
    all.push_back(fmt::format("user{}@example.org", i));
  }
  std::vector<UserEntry*> found(all.size());
  table.find(std::vector<std::string_view>(all.begin(), all.end()), found);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto there = expected.find(all[i]);
    EXPECT_EQ(found[i], there == expected.end() ? nullptr : there->second);
  }
  std::size_t seen = 0;
  table.for_each([&](UserEntry& user) {
    EXPECT_EQ(expected.at(std::string(user.jid().full())), &user);
    ++seen;
  });
  EXPECT_EQ(seen, expected.size());
}

}  // namespace
}  // namespace rondel::server
