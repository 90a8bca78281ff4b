#include "store/host_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace rondel::store::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct Made {
  std::shared_ptr<const HostGroups> groups;
  std::vector<std::string> complaints;
};

Made make(std::vector<GroupSource> groups,
          std::vector<MemberName> names = {},
          const GroupLimits& limits = {}) {
  Made made;
  made.groups =
      HostGroups::make("example.org", std::move(groups), std::move(names), limits, made.complaints);
  return made;
}

/// "jid(name)=group,group" of each contact.
std::vector<std::string> contacts(const Made& made, std::string_view local) {
  std::vector<std::string> all;
  for (const GroupContact& contact : made.groups->contacts_of(local)) {
    std::string text = contact.jid + "(" + contact.name + ")=";
    for (const std::string& group : contact.groups) {
      text += (text.back() == '=' ? "" : ",") + group;
    }
    all.push_back(std::move(text));
  }
  return all;
}

std::vector<std::string> numbered(std::size_t count) {
  std::vector<std::string> locals;
  for (std::size_t i = 0; i < count; ++i) {
    locals.push_back("user" + std::to_string(i));
  }
  return locals;
}

TEST(HostGroups, MembersOfOneGroupSeeEachOtherAndNobodyElse) {
  const Made made = make({{"Montague", {"romeo", "benvolio"}}, {"Capulet", {"juliet", "tybalt"}}},
                         {{"romeo", "Romeo M."}, {"nobody", "x"}});
  EXPECT_THAT(contacts(made, "benvolio"), ElementsAre("romeo@example.org(Romeo M.)=Montague"));
  EXPECT_THAT(contacts(made, "romeo"), ElementsAre("benvolio@example.org()=Montague"));
  EXPECT_THAT(contacts(made, "juliet"), ElementsAre("tybalt@example.org()=Capulet"));
  EXPECT_THAT(contacts(made, "nobody"), IsEmpty());
  EXPECT_EQ(made.groups->digest_of("nobody"), 0u);
  EXPECT_THAT(made.complaints, IsEmpty());
}

TEST(HostGroups, AContactIsThereOnceWithAllGroupsThatBothAreIn) {
  const Made made = make({{"b", {"x", "y", "z", "y"}}, {"a", {"y", "x"}}, {"c", {"y", "z"}}});
  EXPECT_THAT(contacts(made, "x"), ElementsAre("y@example.org()=a,b", "z@example.org()=b"));
}

TEST(HostGroups, TwoGroupsOfOneNameDoNotBringTheirMembersTogether) {
  const Made made = make({{"team", {"a", "b"}}, {"team", {"b", "c"}}, {"team", {"b", "c"}}});
  EXPECT_THAT(contacts(made, "a"), ElementsAre("b@example.org()=team"));
  EXPECT_THAT(contacts(made, "b"), ElementsAre("a@example.org()=team", "c@example.org()=team"));
}

TEST(HostGroups, ContactsAreInTheOrderOfTheirAddresses) {
  // "a-b@…" is before "a@…", and "ab@…" behind it.
  const Made made = make({{"g", {"x", "ab", "a", "a-b"}}});
  EXPECT_THAT(contacts(made, "x"),
              ElementsAre("a-b@example.org()=g", "a@example.org()=g", "ab@example.org()=g"));
}

TEST(HostGroups, AGroupOfOneGivesNobodyAnything) {
  const Made made = make({{"alone", {"a", "a"}}, {"empty", {}}});
  EXPECT_EQ(made.groups->group_count(), 0u);
  EXPECT_THAT(contacts(made, "a"), IsEmpty());
  EXPECT_THAT(made.complaints, IsEmpty());
}

TEST(HostGroups, NamesThatCannotBeShownAreNot) {
  const Made made = make({{"", {"a", "b"}},
                          {"bell\a", {"a", "b"}},
                          {"\xff", {"a", "b"}},
                          {std::string(1024, 'x'), {"a", "b"}},
                          {"<&'\"> ü", {"a", "b"}}},
                         {{"a", "\x01"}, {"b", std::string(1023, 'n')}});
  EXPECT_THAT(contacts(made, "b"), ElementsAre("a@example.org()=<&'\"> ü"));
  EXPECT_EQ(made.groups->contacts_of("a").at(0).name.size(), 1023u);
  EXPECT_THAT(made.complaints, ElementsAre(HasSubstr("4 groups of example.org have no name")));
}

TEST(HostGroups, ALargerGroupThanMayBeCountsForNobody) {
  GroupLimits limits;
  limits.members_max = 3;
  const Made made = make({{"three", {"a", "b", "c"}}, {"four", {"a", "b", "c", "d"}}}, {}, limits);
  EXPECT_THAT(contacts(made, "a"), ElementsAre("b@example.org()=three", "c@example.org()=three"));
  EXPECT_THAT(contacts(made, "d"), IsEmpty());
  EXPECT_THAT(made.complaints, ElementsAre(HasSubstr("\"four\" of example.org has 4 members")));
}

TEST(HostGroups, WhatIsTooMuchForOneUserIsLeftOutForBothSides) {
  struct Case {
    const char* what;
    GroupLimits limits;
  };
  std::vector<Case> cases(3);
  cases[0].what = "groups";
  cases[0].limits.groups_of_user_max = 1;
  cases[1].what = "contacts";
  cases[1].limits.contacts_of_user_max = 2;
  cases[2].what = "bytes";
  cases[2].limits.bytes_of_user_max = 400;
  for (const Case& one : cases) {
    const Made made = make({{"1", {"a", "b", "c"}}, {"2", {"a", "d", "e"}}}, {}, one.limits);
    EXPECT_THAT(contacts(made, "a"), ElementsAre("b@example.org()=1", "c@example.org()=1"))
        << one.what;
    EXPECT_THAT(contacts(made, "d"), ElementsAre("e@example.org()=2")) << one.what;
    EXPECT_THAT(made.complaints, ElementsAre(HasSubstr("1 memberships"))) << one.what;
  }
}

TEST(HostGroups, EachPairIsAContactOnBothSidesWhateverIsLeftOut) {
  GroupLimits limits;
  limits.groups_of_user_max = 2;
  limits.contacts_of_user_max = 40;
  std::vector<GroupSource> groups;
  for (int i = 0; i < 12; ++i) {
    GroupSource group{"g" + std::to_string(i), {}};
    for (int member = 0; member < 60; member += 1 + i % 4) {
      group.members.push_back("u" + std::to_string((member * 7 + i) % 50));
    }
    groups.push_back(std::move(group));
  }
  const Made made = make(std::move(groups), {}, limits);
  std::size_t pairs = 0;
  for (int i = 0; i < 50; ++i) {
    const std::string one = "u" + std::to_string(i);
    for (const GroupContact& contact : made.groups->contacts_of(one)) {
      const std::string other = contact.jid.substr(0, contact.jid.find('@'));
      bool is_mutual = false;
      for (const GroupContact& back : made.groups->contacts_of(other)) {
        is_mutual |= back.jid == one + "@example.org" && back.groups == contact.groups;
      }
      EXPECT_TRUE(is_mutual) << one << " and " << other;
      ++pairs;
    }
  }
  EXPECT_GT(pairs, 50u);
  EXPECT_THAT(made.complaints, SizeIs(1));
}

TEST(HostGroups, TheDigestTellsWhatAUserSeesApart) {
  const std::vector<GroupSource> base{{"g", {"a", "b"}}, {"h", {"c", "d"}}};
  const Made before = make(base, {{"b", "B"}});
  const Made same = make({{"h", {"d", "c", "c"}}, {"g", {"b", "a"}}}, {{"b", "B"}, {"x", "X"}});
  EXPECT_EQ(before.groups->digest(), same.groups->digest());
  EXPECT_EQ(before.groups->digest_of("a"), same.groups->digest_of("a"));
  const Made changes[] = {
      make(base, {{"b", "Bee"}}), make({{"G", {"a", "b"}}, {"h", {"c", "d"}}}, {{"b", "B"}}),
      make({{"g", {"a", "b", "e"}}, {"h", {"c", "d"}}}, {{"b", "B"}}),
      make({{"g", {"a", "b"}}, {"h", {"c", "d"}}, {"i", {"a", "c"}}}, {{"b", "B"}})};
  for (const Made& after : changes) {
    EXPECT_NE(after.groups->digest(), before.groups->digest());
    EXPECT_NE(after.groups->digest_of("a"), before.groups->digest_of("a"));
    EXPECT_EQ(after.groups->digest_of("d"), before.groups->digest_of("d"));
  }
}

TEST(HostGroups, TheDigestStaysTheSameFromVersionToVersion) {
  // Clients keep it: another value would only make them load their rosters once.
  EXPECT_EQ(make({{"g", {"a", "b"}}}, {{"b", "B"}}).groups->digest_of("a"), 4862790620858451306ULL);
}

TEST(HostGroups, AHundredThousandUsersInAThousandGroups) {
  std::vector<GroupSource> groups;
  const std::vector<std::string> locals = numbered(100'000);
  for (std::size_t group = 0; group < 1000; ++group) {
    GroupSource source{"group " + std::to_string(group), {}};
    for (std::size_t member = 0; member < 100; ++member) {
      source.members.push_back(locals[group * 100 + member]);
    }
    groups.push_back(std::move(source));
  }
  const Made made = make(std::move(groups));
  EXPECT_EQ(made.groups->user_count(), 100'000u);
  EXPECT_EQ(made.groups->group_count(), 1000u);
  EXPECT_THAT(made.groups->contacts_of("user99999"), SizeIs(99));
  EXPECT_THAT(made.complaints, IsEmpty());
}

}  // namespace
}  // namespace rondel::store::test
