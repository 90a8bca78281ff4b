#include "modules/roster/roster_edit.h"

#include <gtest/gtest.h>
#include <string>

#include "base/limits.h"
#include "xml/parser.h"

namespace rondel::modules::roster {
namespace {

using store::RosterItem;
using store::Subscription;
using xmpp::StanzaErrorCondition;

EditResult<RosterEdit> parse(const std::string& content) {
  const auto document =
      xml::parse_standalone("<query xmlns='jabber:iq:roster'>" + content + "</query>");
  EXPECT_TRUE(document.has_value()) << content;
  const auto own = xmpp::Jid::parse("romeo@example.net");
  return parse_roster_edit(document->root(), *own);
}

std::string groups(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += "<group>" + std::to_string(i) + "</group>";
  }
  return text;
}

std::string item_with(const std::string& content) {
  return "<item jid='a@example.net'>" + content + "</item>";
}

TEST(RosterEdit, ReadsWhatAClientMaySet) {
  const auto edit =
      parse("<item jid='Nurse@Example.NET' name='Nurse'><group>b</group><group>a</group></item>");
  ASSERT_TRUE(edit.has_value());
  EXPECT_EQ(edit->jid, "nurse@example.net");
  EXPECT_EQ(edit->name, "Nurse");
  EXPECT_EQ(edit->groups, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(edit->is_removal);
}

TEST(RosterEdit, TakesARemovalOnlyForTheWordRemove) {
  EXPECT_TRUE(parse("<item jid='a@example.net' subscription='remove'/>")->is_removal);
  for (const char* other : {"none", "both", "REMOVE", "", "removed"}) {
    const auto edit =
        parse("<item jid='a@example.net' subscription='" + std::string(other) + "'/>");
    ASSERT_TRUE(edit.has_value()) << other;
    EXPECT_FALSE(edit->is_removal) << other;
  }
}

TEST(RosterEdit, RefusesWhatIsOutOfOrder) {
  struct Case {
    std::string content;
    StanzaErrorCondition condition;
  };
  using enum StanzaErrorCondition;
  const Case cases[] = {
      {"", bad_request},
      {"text", bad_request},
      {"<item jid='a@example.net'/><item jid='b@example.net'/>", bad_request},
      {"<item xmlns='urn:other' jid='a@example.net'/>", bad_request},
      {"<thing jid='a@example.net'/>", bad_request},
      {"<item name='Nurse'/>", bad_request},
      {"<item jid='a@example.net/balcony'/>", bad_request},
      {"<item jid=''/>", jid_malformed},
      {"<item jid='@example.net'/>", jid_malformed},
      {"<item jid='a b@example.net'/>", jid_malformed},
      {"<item jid='romeo@example.net'/>", not_allowed},
      {"<item jid='a@example.net' name='" + std::string(kNameBytesMax + 1, 'n') + "'/>",
       not_acceptable},
      {item_with("<group/>"), not_acceptable},
      {item_with("<group>" + std::string(kNameBytesMax + 1, 'g') + "</group>"), not_acceptable},
      {item_with("<group>a</group><group>b</group><group>a</group>"), bad_request},
      {item_with(groups(kGroupsMax + 1)), not_acceptable},
  };
  for (const Case& one : cases) {
    const auto edit = parse(one.content);
    ASSERT_FALSE(edit.has_value()) << one.content;
    EXPECT_EQ(edit.error().condition, one.condition) << one.content;
  }
}

TEST(RosterEdit, TakesWhatIsJustWithinTheLimits) {
  EXPECT_TRUE(parse("<item jid='a@example.net' name='" + std::string(kNameBytesMax, 'n') + "'/>")
                  .has_value());
  EXPECT_TRUE(
      parse(item_with("<group>" + std::string(kNameBytesMax, 'g') + "</group>")).has_value());
  EXPECT_TRUE(parse(item_with(groups(kGroupsMax))).has_value());
  EXPECT_TRUE(parse("<item jid='example.org'/>").has_value()) << "a gateway is a contact too";
}

TEST(RosterEdit, KeepsTheSubscriptionOfAnItemThatItChanges) {
  RosterItem known("a@example.net", "old", {"x"});
  known.subscription = Subscription::both;
  known.is_approved = true;
  known.pending_in = "<presence/>";
  store::Roster roster;
  roster.items.push_back(known);
  RosterEdit edit;
  edit.jid = "a@example.net";
  edit.groups = {"y"};
  const auto item = edited_item(roster, edit);
  ASSERT_TRUE(item.has_value());
  known.name.clear();
  known.groups = {"y"};
  EXPECT_EQ(*item, known);
}

TEST(RosterEdit, ListsAContactThatOnlyWaitedForAnAnswer) {
  RosterItem waiting("a@example.net");
  waiting.is_listed = false;
  waiting.pending_in = "<presence/>";
  store::Roster roster;
  roster.items.push_back(waiting);
  RosterEdit edit;
  edit.jid = "a@example.net";
  const auto item = edited_item(roster, edit);
  ASSERT_TRUE(item.has_value());
  EXPECT_TRUE(item->is_listed);
  EXPECT_EQ(item->pending_in, "<presence/>");
}

TEST(RosterEdit, AFullRosterTakesNoNewContactButChangesOldOnes) {
  store::Roster roster;
  for (int i = 0; i < base::kRosterItemsMax; ++i) {
    roster.items.emplace_back(std::to_string(1'000'000 + i) + "@example.net");
  }
  RosterEdit edit;
  edit.jid = "a@example.net";
  const auto refused = edited_item(roster, edit);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().condition, StanzaErrorCondition::resource_constraint);
  edit.jid = roster.items.front().jid;
  edit.name = "Nurse";
  EXPECT_TRUE(edited_item(roster, edit).has_value());
  roster.items.back().is_listed = false;
  edit.jid = "a@example.net";
  EXPECT_TRUE(edited_item(roster, edit).has_value()) << "a request that waits is no contact";
}

TEST(RosterEdit, ARosterOfTooManyBytesTakesOnlyWhatMakesItSmaller) {
  store::Roster roster;
  for (int i = 0; i < 1100; ++i) {
    roster.items.emplace_back(std::to_string(1'000'000 + i) + "@example.net",
                              std::string(kNameBytesMax, 'n'));
  }
  RosterEdit edit;
  edit.jid = "a@example.net";
  EXPECT_FALSE(edited_item(roster, edit).has_value());
  edit.jid = roster.items.front().jid;
  edit.name = "Nurse";
  EXPECT_TRUE(edited_item(roster, edit).has_value());
}

TEST(RosterRemoval, TellsTheContactWhatEnds) {
  struct Case {
    Subscription subscription;
    bool is_asked, unsubscribe, unsubscribed;
  };
  const Case cases[] = {
      {Subscription::none, false, false, false}, {Subscription::none, true, true, false},
      {Subscription::to, false, true, false},    {Subscription::from, false, false, true},
      {Subscription::from, true, true, true},    {Subscription::both, false, true, true},
  };
  for (const Case& one : cases) {
    RosterItem item("a@example.net");
    item.subscription = one.subscription;
    item.is_asked = one.is_asked;
    const RemovalPlan plan = plan_removal(item);
    EXPECT_EQ(plan.should_unsubscribe, one.unsubscribe);
    EXPECT_EQ(plan.should_unsubscribed, one.unsubscribed);
    EXPECT_EQ(plan.should_send_unavailable, one.unsubscribed);
    EXPECT_EQ(plan.change.kind, store::RosterChange::Kind::remove);
    EXPECT_EQ(plan.change.item.jid, "a@example.net");
  }
}

TEST(RosterRemoval, LeavesARequestThatWaits) {
  RosterItem item("a@example.net", "Nurse", {"x"});
  item.subscription = Subscription::to;
  item.pending_in = "<presence/>";
  const RemovalPlan plan = plan_removal(item);
  EXPECT_TRUE(plan.should_unsubscribe);
  EXPECT_FALSE(plan.should_unsubscribed);
  RosterItem left("a@example.net");
  left.is_listed = false;
  left.pending_in = "<presence/>";
  ASSERT_EQ(plan.change.kind, store::RosterChange::Kind::put);
  EXPECT_EQ(plan.change.item, left);
}

TEST(RosterRemoval, FindsNothingThatAClientDoesNotSee) {
  RosterItem waiting("a@example.net");
  waiting.is_listed = false;
  waiting.pending_in = "<presence/>";
  store::Roster roster;
  roster.items.push_back(waiting);
  for (const char* contact : {"a@example.net", "b@example.net"}) {
    const auto plan = plan_removal(roster, contact);
    ASSERT_FALSE(plan.has_value());
    EXPECT_EQ(plan.error().condition, StanzaErrorCondition::item_not_found);
  }
}

}  // namespace
}  // namespace rondel::modules::roster
