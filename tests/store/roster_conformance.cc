#include <gmock/gmock.h>

#include "tests/store/storage_conformance.h"

namespace rondel::store::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const UserKey kJuliet{"juliet", "example.org"};

RosterItem full_item(const std::string& jid) {
  RosterItem item;
  item.jid = jid;
  item.name = "Ромео & <Montague> '\"%";
  item.groups = {"Friends", "Verona", "a'b"};
  item.subscription = Subscription::from;
  item.is_asked = true;
  item.is_approved = true;
  item.pending_in = "<presence type='subscribe'><status>hi</status></presence>";
  return item;
}

RosterItem unlisted(const std::string& jid) {
  RosterItem item;
  item.jid = jid;
  item.is_listed = false;
  item.pending_in = "<presence type='subscribe'/>";
  return item;
}

TEST_P(RosterConformance, AUserWithoutARosterHasAnEmptyOne) {
  const auto roster = get(rosters().load(kJuliet));
  ASSERT_TRUE(roster.has_value());
  EXPECT_THAT(roster->items, IsEmpty());
  EXPECT_THAT(roster->removals, IsEmpty());
  EXPECT_EQ(roster->version, 0);
}

TEST_P(RosterConformance, EveryFieldOfAnItemIsKept) {
  RosterItem item = full_item("romeo@example.net");
  const auto version = get(rosters().change(kJuliet, {RosterChange::put(item)}));
  ASSERT_TRUE(version.has_value());
  EXPECT_GT(*version, 0);
  item.version = *version;
  EXPECT_THAT(get(rosters().load(kJuliet))->items, ElementsAre(item));
  for (const Subscription subscription :
       {Subscription::none, Subscription::to, Subscription::from, Subscription::both}) {
    item.subscription = subscription;
    item.version = get(rosters().change(kJuliet, {RosterChange::put(item)})).value();
    EXPECT_THAT(get(rosters().load(kJuliet))->items, ElementsAre(item));
  }
}

TEST_P(RosterConformance, AnItemPutAgainReplacesAllOfTheOldOne) {
  ASSERT_EQ(outcome_of(get(rosters().change(kJuliet, {RosterChange::put(full_item("a@b"))}))),
            "ok");
  RosterItem plain("a@b");
  plain.version = get(rosters().change(kJuliet, {RosterChange::put(plain)})).value();
  EXPECT_THAT(get(rosters().load(kJuliet))->items, ElementsAre(plain));
}

TEST_P(RosterConformance, GroupsAreSortedAndNotRepeated) {
  RosterItem item{"a@b", "", {"z", "a", "z", "B", ""}};
  ASSERT_EQ(outcome_of(get(rosters().change(kJuliet, {RosterChange::put(item)}))), "ok");
  EXPECT_THAT(get(rosters().load(kJuliet))->items[0].groups, ElementsAre("", "B", "a", "z"));
}

TEST_P(RosterConformance, SeveralChangesAreOneVersion) {
  const auto first = get(rosters().change(
      kJuliet, {RosterChange::put(RosterItem{"b@x"}), RosterChange::put(RosterItem{"a@x"})}));
  const auto second = get(
      rosters().change(kJuliet, {RosterChange::remove("b@x"), RosterChange::put(RosterItem{"c@x"}),
                                 RosterChange::remove("no")}));
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_GT(*second, *first);
  const auto roster = get(rosters().load(kJuliet));
  ASSERT_THAT(roster->items, SizeIs(2));
  EXPECT_EQ(roster->items[0].jid, "a@x");
  EXPECT_EQ(roster->items[0].version, *first);
  EXPECT_EQ(roster->items[1].jid, "c@x");
  EXPECT_EQ(roster->items[1].version, *second);
  EXPECT_THAT(roster->removals, ElementsAre(RosterRemoval{"b@x", *second}));
  EXPECT_EQ(roster->version, *second);
}

TEST_P(RosterConformance, ChangesWithOneInvalidItemAreNotMade) {
  EXPECT_EQ(outcome_of(get(rosters().change(kJuliet, {RosterChange::put(RosterItem{"a@x"}),
                                                      RosterChange::put(RosterItem{""})}))),
            "invalid");
  EXPECT_THAT(get(rosters().load(kJuliet))->items, IsEmpty());
  EXPECT_EQ(get(rosters().load(kJuliet))->version, 0);
}

TEST_P(RosterConformance, DifferencesSinceAnyVersionLeadToTheRosterOfNow) {
  std::vector<std::uint64_t> versions;
  const auto change = [&](std::vector<RosterChange> changes) {
    versions.push_back(get(rosters().change(kJuliet, std::move(changes))).value());
  };
  change({RosterChange::put(RosterItem{"a@x"}), RosterChange::put(RosterItem{"b@x"})});
  change({RosterChange::put(RosterItem{"c@x", "C"})});
  change({RosterChange::remove("a@x")});
  change({RosterChange::put(RosterItem{"b@x", "B"})});
  change({RosterChange::put(RosterItem{"a@x", "again"})});
  const auto roster = get(rosters().load(kJuliet));
  ASSERT_TRUE(roster.has_value());
  const auto changed_since = [&](std::uint64_t version) {
    std::vector<std::string> jids;
    const auto difference = changes_since(*roster, version);
    EXPECT_TRUE(difference.has_value());
    EXPECT_THAT(difference->removed, IsEmpty());
    for (const RosterItem& item : difference->changed) {
      jids.push_back(item.jid);
    }
    return jids;
  };
  EXPECT_THAT(changed_since(versions[0]), ElementsAre("c@x", "b@x", "a@x"));
  EXPECT_THAT(changed_since(versions[2]), ElementsAre("b@x", "a@x"));
  EXPECT_THAT(changed_since(versions[3]), ElementsAre("a@x"));
  EXPECT_THAT(changed_since(versions[4]), IsEmpty());
  EXPECT_FALSE(changes_since(*roster, versions[0] - 1).has_value());
  EXPECT_FALSE(changes_since(*roster, versions[4] + 1).has_value());
  EXPECT_FALSE(changes_since(*roster, 0).has_value());
}

TEST_P(RosterConformance, UnlistedItemsShowInNoDifferenceAndLeaveNoRemoval) {
  const std::uint64_t start =
      get(rosters().change(kJuliet, {RosterChange::put(RosterItem{"listed@x"})})).value();
  ASSERT_EQ(outcome_of(get(rosters().change(kJuliet, {RosterChange::put(unlisted("new@x"))}))),
            "ok");
  auto roster = get(rosters().load(kJuliet));
  ASSERT_THAT(roster->items, SizeIs(2));
  EXPECT_FALSE(roster->items[1].is_listed);
  EXPECT_THAT(changes_since(*roster, start)->changed, IsEmpty());
  ASSERT_EQ(outcome_of(get(rosters().change(kJuliet, {RosterChange::remove("new@x")}))), "ok");
  EXPECT_THAT(get(rosters().load(kJuliet))->removals, IsEmpty());
}

TEST_P(RosterConformance, AListedItemThatBecomesUnlistedCountsAsRemoved) {
  ASSERT_EQ(outcome_of(get(rosters().change(kJuliet, {RosterChange::put(RosterItem{"a@x"})}))),
            "ok");
  const std::uint64_t version =
      get(rosters().change(kJuliet, {RosterChange::put(unlisted("a@x"))})).value();
  EXPECT_THAT(get(rosters().load(kJuliet))->removals, ElementsAre(RosterRemoval{"a@x", version}));
  ASSERT_EQ(outcome_of(get(rosters().change(kJuliet, {RosterChange::put(RosterItem{"a@x"})}))),
            "ok");
  EXPECT_THAT(get(rosters().load(kJuliet))->removals, IsEmpty());
}

TEST_P(RosterConformance, RemovalsAreBoundedAndOlderVersionsThenNeedTheWholeRoster) {
  constexpr std::size_t kCount = kRosterRemovalsMax + 10;
  std::vector<RosterChange> puts;
  for (std::size_t i = 0; i < kCount; ++i) {
    puts.push_back(RosterChange::put(RosterItem{"c" + std::to_string(i) + "@x"}));
  }
  const std::uint64_t start = get(rosters().change(kJuliet, puts)).value();
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto changed =
        get(rosters().change(kJuliet, {RosterChange::remove("c" + std::to_string(i) + "@x")}));
    ASSERT_EQ(changed.value(), start + i + 1);
  }
  const auto roster = get(rosters().load(kJuliet));
  ASSERT_THAT(roster->removals, SizeIs(kRosterRemovalsMax));
  EXPECT_EQ(roster->removals.front(), (RosterRemoval{"c10@x", start + 11}));
  EXPECT_EQ(roster->removals.back().version, start + kCount);
  EXPECT_FALSE(changes_since(*roster, start + 9).has_value());
  ASSERT_TRUE(changes_since(*roster, start + 10).has_value());
  EXPECT_THAT(changes_since(*roster, start + 10)->removed, SizeIs(kRosterRemovalsMax));
}

TEST_P(RosterConformance, VersionsGrowAcrossARemovalOfTheUser) {
  ASSERT_EQ(outcome_of(get(rosters().change(kJuliet, {RosterChange::put(RosterItem{"a@x"})}))),
            "ok");
  const std::uint64_t old = get(rosters().change(kJuliet, {RosterChange::remove("a@x")})).value();
  ASSERT_EQ(outcome_of(get(session_->erase_user(kJuliet))), "ok");
  EXPECT_EQ(get(rosters().load(kJuliet))->version, 0);
  const std::uint64_t fresh =
      get(rosters().change(kJuliet, {RosterChange::put(RosterItem{"b@x"})})).value();
  EXPECT_GT(fresh, old);
  EXPECT_FALSE(changes_since(*get(rosters().load(kJuliet)), old).has_value());
}

TEST_P(RosterConformance, ARosterOfFiveThousandIsKeptWholeAndChangedByOne) {
  constexpr std::size_t kCount = 5000;
  const auto start = std::chrono::steady_clock::now();
  std::vector<RosterChange> puts;
  for (std::size_t i = 0; i < kCount; ++i) {
    puts.push_back(RosterChange::put(full_item("contact" + std::to_string(i) + "@example.net")));
  }
  ASSERT_EQ(outcome_of(get(rosters().change(kJuliet, puts))), "ok");
  RosterItem one = full_item("contact77@example.net");
  one.name = "changed";
  one.version = get(rosters().change(kJuliet, {RosterChange::put(one)})).value();
  const auto roster = get(rosters().load(kJuliet));
  ASSERT_THAT(roster->items, SizeIs(kCount));
  EXPECT_TRUE(std::ranges::is_sorted(roster->items, {}, &RosterItem::jid));
  EXPECT_THAT(changes_since(*roster, one.version - 1)->changed, ElementsAre(one));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

TEST_P(RosterConformance, RostersOfOddlyNamedUsersStaySeparate) {
  const std::vector<std::string> names = odd_local_parts();
  for (const std::string& name : names) {
    const UserKey user{name, "example.org"};
    ASSERT_EQ(outcome_of(get(rosters().change(
                  user, {RosterChange::put(RosterItem{name + "@example.net", name, {name}})}))),
              "ok");
  }
  for (const std::string& name : names) {
    const auto roster = get(rosters().load({name, "example.org"}));
    ASSERT_THAT(roster->items, SizeIs(1));
    EXPECT_EQ(roster->items[0].jid, name + "@example.net");
    EXPECT_THAT(roster->items[0].groups, ElementsAre(name));
  }
}

}  // namespace
}  // namespace rondel::store::test
