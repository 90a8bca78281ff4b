#include "modules/roster/group_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "modules/api/roster_service.h"

namespace rondel::modules::roster {
namespace {

using store::GroupContact;
using store::Roster;
using store::RosterItem;
using store::Subscription;
using testing::ElementsAre;
using testing::IsEmpty;

GroupContact contact(std::string jid, std::string name, std::vector<std::string> groups) {
  return GroupContact{std::move(jid), std::move(name), std::move(groups)};
}

RosterItem item_with(std::string jid, Subscription subscription) {
  RosterItem item(std::move(jid));
  item.subscription = subscription;
  return item;
}

TEST(GroupView, HasOwnItemsAndContactsByGroupsInOrder) {
  Roster own;
  own.version = 7;
  own.items = {item_with("b@x", Subscription::to), item_with("d@x", Subscription::none)};
  const GroupView view(
      own, {contact("a@x", "A", {"g"}), contact("c@x", "", {"g", "h"}), contact("e@x", "E", {"h"})},
      0xff);
  std::vector<std::string> jids;
  for (const RosterItem& item : view.roster().items) {
    jids.push_back(item.jid);
  }
  EXPECT_THAT(jids, ElementsAre("a@x", "b@x", "c@x", "d@x", "e@x"));
  EXPECT_EQ(view.roster().version, 7u);
  EXPECT_EQ(*api::find_item(view.roster(), "b@x"), own.items[0]);
  const RosterItem& both = *api::find_item(view.roster(), "c@x");
  EXPECT_EQ(both.subscription, Subscription::both);
  EXPECT_THAT(both.groups, ElementsAre("g", "h"));
  EXPECT_TRUE(both.is_listed);
  EXPECT_EQ(view.mark(), "00000000000000ff");
  EXPECT_NE(view.find("a@x"), nullptr);
  EXPECT_EQ(view.find("b@x"), nullptr);
}

TEST(GroupView, MergesWhatIsInBoth) {
  struct Case {
    const char* what;
    RosterItem own;
    RosterItem merged;
  };
  const auto merged_as = [](std::string name, std::vector<std::string> groups) {
    RosterItem item("a@x", std::move(name), std::move(groups));
    item.subscription = Subscription::both;
    return item;
  };
  std::vector<Case> cases{
      {"own name and groups", RosterItem("a@x", "mine", {"friends"}),
       merged_as("mine", {"friends", "team"})},
      {"no own name", RosterItem("a@x", "", {"friends"}), merged_as("Anna", {"friends", "team"})},
      {"the same group", RosterItem("a@x", "mine", {"team"}), merged_as("mine", {"team"})},
      {"a request of ours", RosterItem("a@x"), merged_as("Anna", {"team"})},
      {"a request that waits, in the roster", RosterItem("a@x", "mine"),
       merged_as("mine", {"team"})},
      {"a request that waits, outside", RosterItem("a@x", "old"), merged_as("Anna", {"team"})},
      {"subscription from", item_with("a@x", Subscription::from), merged_as("Anna", {"team"})},
      {"approved", RosterItem("a@x"), merged_as("Anna", {"team"})}};
  cases[3].own.is_asked = true;
  cases[4].own.pending_in = "<presence/>";
  cases[5].own.pending_in = "<presence/>";
  cases[5].own.is_listed = false;
  cases[7].own.is_approved = cases[7].merged.is_approved = true;
  for (const Case& one : cases) {
    Roster own;
    own.items = {one.own};
    const GroupView view(own, {contact("a@x", "Anna", {"team"})}, 1);
    EXPECT_THAT(view.roster().items, ElementsAre(one.merged)) << one.what;
  }
}

TEST(GroupView, AClientsEditKeepsOnlyWhatIsItsOwn) {
  const GroupContact anna = contact("a@x", "Anna", {"sales", "team"});
  RosterEdit edit{"a@x", "Anna", {"friends", "team"}, false};
  const RosterEdit own = own_part(edit, anna);
  EXPECT_EQ(own.name, "");
  EXPECT_THAT(own.groups, ElementsAre("friends"));
  edit.name = "Annie";
  edit.groups = {"sales", "team"};
  EXPECT_EQ(own_part(edit, anna).name, "Annie");
  EXPECT_THAT(own_part(edit, anna).groups, IsEmpty());
}

TEST(GroupView, TheAudienceIsWhoMaySeeTheUser) {
  Roster before;
  before.items = {item_with("a@x", Subscription::both), item_with("b@x", Subscription::from),
                  item_with("c@x", Subscription::to), item_with("d@x", Subscription::both),
                  item_with("f@x", Subscription::to)};
  Roster after;
  after.items = {item_with("b@x", Subscription::both), item_with("c@x", Subscription::both),
                 item_with("d@x", Subscription::to), item_with("e@x", Subscription::both),
                 item_with("g@x", Subscription::to)};
  const AudienceChange change = audience_change(before, after);
  EXPECT_THAT(change.gained, ElementsAre("c@x", "e@x"));
  EXPECT_THAT(change.lost, ElementsAre("a@x", "d@x"));
  EXPECT_THAT(audience_change(after, after).gained, IsEmpty());
  EXPECT_THAT(audience_change({}, before).gained, ElementsAre("a@x", "b@x", "d@x"));
  EXPECT_THAT(audience_change(before, {}).lost, ElementsAre("a@x", "b@x", "d@x"));
}

}  // namespace
}  // namespace rondel::modules::roster
