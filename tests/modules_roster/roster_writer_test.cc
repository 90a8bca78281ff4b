#include "modules/roster/roster_writer.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "modules/roster/roster_cache.h"
#include "xml/writer.h"

namespace rondel::modules::roster {
namespace {

using store::Roster;
using store::RosterChange;
using store::RosterItem;

/// "a@10 -b@11": what is pushed with which version.
std::string told(const std::vector<RosterPush>& pushes) {
  std::string text;
  for (const RosterPush& push : pushes) {
    text += (text.empty() ? "" : " ") + std::string(push.is_removal ? "-" : "") + push.item.jid +
            "@" + std::to_string(push.version);
  }
  return text;
}

RosterItem request_of(const std::string& jid) {
  RosterItem item(jid);
  item.is_listed = false;
  item.pending_in = "<presence/>";
  return item;
}

Roster roster_of(std::vector<RosterItem> items, std::uint64_t version) {
  Roster roster;
  std::vector<RosterChange> changes;
  for (RosterItem& item : items) {
    changes.push_back(RosterChange::put(std::move(item)));
  }
  apply_changes(roster, changes, version);
  return roster;
}

TEST(RosterVersions, NameTheContactsByGroupsToo) {
  const Roster roster = roster_of({RosterItem("a"), RosterItem("b")}, 10);
  EXPECT_TRUE(pushes_since(roster, roster, "00ff", "10-00ff").has_value());
  for (const char* other :
       {"10", "10-", "10-00fe", "1000ff", "-00ff", "00ff", "10-00ff-00ff", ""}) {
    EXPECT_FALSE(pushes_since(roster, roster, "00ff", other).has_value()) << other;
  }
  EXPECT_TRUE(pushes_since(roster, roster, "", "10").has_value());
  EXPECT_FALSE(pushes_since(roster, roster, "", "10-00ff").has_value());
}

TEST(RosterVersions, WhatCameToTheOwnRosterIsToldAsItIsShown) {
  Roster own = roster_of({RosterItem("a", "A"), RosterItem("b"), RosterItem("c")}, 10);
  const std::vector<RosterChange> changes{RosterChange::put(RosterItem("a", "AA")),
                                          RosterChange::remove("b"), RosterChange::remove("c")};
  apply_changes(own, changes, 11);
  Roster shown = own;  // As with a group that has b.
  shown.items.insert(shown.items.begin() + 1, RosterItem("b", "Bee"));
  shown.items[0].subscription = store::Subscription::both;
  const auto pushes = pushes_since(own, shown, "m", "10-m");
  ASSERT_FALSE(pushes.has_value()) << "three pushes are longer than two items";
  shown.items.push_back(RosterItem("d"));
  const auto more = pushes_since(own, shown, "m", "10-m");
  ASSERT_TRUE(more.has_value());
  EXPECT_EQ(told(*more), "a@10 b@10 -c@11");
  EXPECT_EQ(more->at(0).item.subscription, store::Subscription::both);
  EXPECT_EQ(more->at(1).item.name, "Bee");
  EXPECT_EQ(
      xml::to_text(make_push(more->at(2), "1").root()).find("ver='11-m'") == std::string::npos,
      false);
}

TEST(RosterPushes, TellWhatAClientSees) {
  const Roster before = roster_of({RosterItem("a"), RosterItem("b"), request_of("r")}, 10);
  struct Case {
    const char* what;
    RosterChange change;
    const char* pushed;
  };
  RosterItem renamed("a", "A");
  RosterItem asked("a");
  asked.is_asked = true;
  RosterItem approved("a");
  approved.is_approved = true;
  RosterItem subscribed("a");
  subscribed.subscription = store::Subscription::from;
  RosterItem with_request("a");
  with_request.pending_in = "<presence/>";
  const Case cases[] = {
      {"a new contact", RosterChange::put(RosterItem("c")), "c@11"},
      {"another name", RosterChange::put(renamed), "a@11"},
      {"a request of our own", RosterChange::put(asked), "a@11"},
      {"an approval", RosterChange::put(approved), "a@11"},
      {"a subscription", RosterChange::put(subscribed), "a@11"},
      {"a request that waits, of a contact", RosterChange::put(with_request), ""},
      {"a request that waits, of a stranger", RosterChange::put(request_of("s")), ""},
      {"a request that is granted", RosterChange::put(RosterItem("r")), "r@11"},
      {"a request that goes", RosterChange::remove("r"), ""},
      {"a contact that goes", RosterChange::remove("b"), "-b@11"},
      {"a contact that leaves its request", RosterChange::put(request_of("b")), "-b@11"},
      {"one that wasn't there", RosterChange::remove("x"), ""},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(told(pushes_of(before, std::vector{one.change}, 11, false)), one.pushed) << one.what;
  }
}

TEST(RosterPushes, AnswerASetThatChangesNothing) {
  const Roster before = roster_of({RosterItem("a")}, 10);
  const std::vector same{RosterChange::put(RosterItem("a"))};
  EXPECT_EQ(told(pushes_of(before, same, 11, true)), "a@11");
  EXPECT_EQ(told(pushes_of(before, same, 11, false)), "");
}

TEST(RosterPushes, OnlyTheLastOfOneChangeSaysTheNewVersion) {
  const Roster before = roster_of({RosterItem("a")}, 10);
  const std::vector changes{RosterChange::remove("a"), RosterChange::put(RosterItem("b")),
                            RosterChange::put(RosterItem("c"))};
  EXPECT_EQ(told(pushes_of(before, changes, 11, false)), "-a@10 b@10 c@11");
}

TEST(RosterVersions, WhoKnowsTheNewestIsToldNothing) {
  const Roster roster = roster_of({RosterItem("a")}, 10);
  const auto pushes = pushes_since(roster, "10");
  ASSERT_TRUE(pushes.has_value());
  EXPECT_TRUE(pushes->empty());
}

TEST(RosterVersions, WhoKnowsAnOlderOneIsToldTheDifferenceInOrder) {
  Roster roster = roster_of({RosterItem("a"), RosterItem("b"), RosterItem("c"), RosterItem("d"),
                             RosterItem("e"), RosterItem("f")},
                            10);
  apply_changes(roster, std::vector{RosterChange::remove("b")}, 11);
  apply_changes(
      roster, std::vector{RosterChange::put(RosterItem("d", "D")), RosterChange::remove("c")}, 12);
  apply_changes(roster, std::vector{RosterChange::put(request_of("r"))}, 13);
  const auto pushes = pushes_since(roster, "10");
  ASSERT_TRUE(pushes.has_value());
  EXPECT_EQ(told(*pushes), "-b@11 d@11 -c@12");
  EXPECT_EQ(told(*pushes_since(roster, "11")), "d@11 -c@12");
  EXPECT_EQ(told(*pushes_since(roster, "12")), "");
}

TEST(RosterVersions, UnknownOnesGetTheWholeRoster) {
  const Roster roster = roster_of({RosterItem("a")}, 10);
  for (const char* known :
       {"", "9", "11", "0", "ten", "10 ", " 10", "-10", "1e1", "0x0a", "99999999999999999999999"}) {
    EXPECT_FALSE(pushes_since(roster, known).has_value()) << known;
  }
}

TEST(RosterVersions, ADifferenceLongerThanTheRosterIsNotSent) {
  Roster roster = roster_of({RosterItem("a"), RosterItem("b"), RosterItem("c")}, 10);
  apply_changes(roster, std::vector{RosterChange::remove("a"), RosterChange::remove("b")}, 11);
  EXPECT_FALSE(pushes_since(roster, "10").has_value());
}

TEST(RosterWriter, ShowsListedItemsWithAllThatTheyHave) {
  RosterItem full("a@example.net", "A & B", {"x", "y"});
  full.subscription = store::Subscription::from;
  full.is_asked = true;
  full.is_approved = true;
  const Roster roster = roster_of({full, RosterItem("b@example.net"), request_of("r")}, 10);
  xml::Document result = xml::Document::create("iq", xml::kClientNamespace);
  append_roster(result, roster);
  EXPECT_EQ(xml::to_text(result.root().first_element()[0]),
            "<query xmlns='jabber:iq:roster' ver='10'>"
            "<item jid='a@example.net' name='A &amp; B' subscription='from' ask='subscribe' "
            "approved='true'><group>x</group><group>y</group></item>"
            "<item jid='b@example.net' subscription='none'/></query>");
}

TEST(RosterWriter, APushHasOneItemAndNoAddresses) {
  const xml::Document push =
      make_push(RosterPush{RosterItem("a@example.net", "gone"), true, 12}, "id1");
  EXPECT_EQ(xml::to_text(push.root()),
            "<iq xmlns='jabber:client' type='set' id='id1'>"
            "<query xmlns='jabber:iq:roster' ver='12'>"
            "<item jid='a@example.net' subscription='remove'/></query></iq>");
}

}  // namespace
}  // namespace rondel::modules::roster
