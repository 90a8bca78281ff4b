#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

#include "modules/loader/loader.h"

namespace rondel::modules {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Node {
  std::string_view name;
  std::vector<std::string_view> needs{};
};

/// The names in the order of their start, or the problem alone.
std::vector<std::string> order_of(const std::vector<Node>& nodes) {
  std::vector<ModuleNode> modules;
  for (const Node& node : nodes) {
    modules.push_back({node.name, node.needs});
  }
  const auto order = start_order(modules);
  if (!order) {
    return {order.error().message};
  }
  std::vector<std::string> names;
  for (const std::size_t index : *order) {
    names.emplace_back(nodes[index].name);
  }
  return names;
}

TEST(StartOrder, OfNothingIsNothing) {
  EXPECT_THAT(order_of({}), ElementsAre());
}

TEST(StartOrder, KeepsTheConfiguredOrderWhereNothingElseIsAsked) {
  EXPECT_THAT(order_of({{"c"}, {"a"}, {"b"}}), ElementsAre("c", "a", "b"));
}

TEST(StartOrder, PutsAModuleBehindWhatItNeeds) {
  EXPECT_THAT(order_of({{"a", {"c"}}, {"b"}, {"c"}}), ElementsAre("b", "c", "a"));
  EXPECT_THAT(order_of({{"a", {"b"}}, {"b", {"c"}}, {"c"}}), ElementsAre("c", "b", "a"));
  EXPECT_THAT(order_of({{"a", {"b", "c"}}, {"b"}, {"c"}}), ElementsAre("b", "c", "a"));
}

TEST(StartOrder, LetsTwoNeedTheSameOne) {
  EXPECT_THAT(order_of({{"a", {"c"}}, {"b", {"c"}}, {"c"}}), ElementsAre("c", "a", "b"));
}

TEST(StartOrder, NamesWhatIsMissingAndWhoNeedsIt) {
  EXPECT_THAT(order_of({{"a", {"ghost"}}}),
              ElementsAre(AllOf(HasSubstr("\"a\""), HasSubstr("\"ghost\""), HasSubstr("load"))));
}

TEST(StartOrder, NamesTheModulesOfACircleAndNoOthers) {
  EXPECT_THAT(order_of({{"a", {"a"}}}),
              ElementsAre(AllOf(HasSubstr("circle"), HasSubstr("\"a\""))));
  EXPECT_THAT(order_of({{"innocent"}, {"a", {"b"}}, {"b", {"c"}}, {"c", {"a"}}}),
              ElementsAre(AllOf(HasSubstr("circle"), HasSubstr("\"a\""), HasSubstr("\"b\""),
                                HasSubstr("\"c\""), Not(HasSubstr("innocent")))));
}

}  // namespace
}  // namespace rondel::modules
