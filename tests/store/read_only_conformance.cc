#include "tests/store/read_only_conformance.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <gmock/gmock.h>
#include <optional>
#include <thread>

#include "tests/store/storage_conformance.h"
#include "xmpp/jid.h"

namespace rondel::store::test {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ReadOnlyUserConformance);

using testing::ElementsAre;
using testing::IsEmpty;

void ReadOnlyUserConformance::SetUp() {
  under_test_ = GetParam().make();
  if (!under_test_) {
    ASSERT_EQ(std::getenv("CI"), nullptr) << "what the test needs is missing, and CI must not skip";
    GTEST_SKIP() << "what the test needs is missing";
  }
  session_ = under_test_->storage().attach(shard_);
  ASSERT_NE(session_, nullptr);
}

void ReadOnlyUserConformance::TearDown() {
  if (under_test_) {
    under_test_->storage().close_blocking();
    shard_.run_ready();
    session_.reset();
    under_test_.reset();
  }
}

namespace {

const UserKey kJuliet{"juliet", "example.org"};
const UserKey kRomeo{"romeo", "example.org"};

Binding principal(std::string name) {
  return Binding(BindingKind::principal, std::move(name));
}

/// Those that a JID can have, as it has them.
std::vector<std::string> legal_local_parts() {
  std::vector<std::string> names = odd_local_parts();
  std::erase_if(names, [](const std::string& name) {
    const auto jid = xmpp::Jid::from_parts(name, "example.org");
    return !jid || jid->local() != name;
  });
  return names;
}

TEST_P(ReadOnlyUserConformance, WhoIsThereIsFoundAndNobodyElse) {
  under_test_->write({WrittenUser("juliet", "example.org")});
  const auto account = get(users().lookup(kJuliet));
  ASSERT_EQ(outcome_of(account), "ok");
  EXPECT_EQ(account->user, kJuliet);
  EXPECT_EQ(account->state, AccountState::active);
  const auto all = get(users().credentials(kJuliet));
  ASSERT_EQ(outcome_of(all), "ok");
  EXPECT_EQ(all->account, *account);
  EXPECT_EQ(outcome_of(get(users().lookup(kRomeo))), "not_found");
  EXPECT_EQ(outcome_of(get(users().credentials(kRomeo))), "not_found");
  EXPECT_EQ(outcome_of(get(users().lookup({"juliet", "example.net"}))), "not_found");
}

TEST_P(ReadOnlyUserConformance, WhoIsTakenAwayIsNotFound) {
  under_test_->write({WrittenUser("juliet", "example.org")});
  ASSERT_EQ(outcome_of(get(users().lookup(kJuliet))), "ok");
  under_test_->remove(kJuliet);
  EXPECT_EQ(outcome_of(get(users().lookup(kJuliet))), "not_found");
}

TEST_P(ReadOnlyUserConformance, EveryLegalNameIsAUserOfItsOwn) {
  const std::vector<std::string> names = legal_local_parts();
  ASSERT_GT(names.size(), 50U);
  std::vector<WrittenUser> written;
  for (const std::string& name : names) {
    written.emplace_back(name, "example.org");
    written.back().bindings = {principal(std::to_string(written.size()) + "@EXAMPLE.ORG")};
  }
  under_test_->write(written);
  for (const WrittenUser& one : written) {
    const auto found = get(users().credentials(one.user));
    ASSERT_EQ(outcome_of(found), "ok") << one.user.local;
    EXPECT_EQ(found->credentials.bindings, one.bindings) << one.user.local;
  }
  const auto listed = get(users().list("example.org", "", names.size() + 1));
  ASSERT_EQ(outcome_of(listed), "ok");
  std::vector<std::string> seen;
  for (const Account& account : *listed) {
    seen.push_back(account.user.local);
  }
  EXPECT_EQ(seen, names);
}

TEST_P(ReadOnlyUserConformance, WhatMeansSomethingToASearchFindsNobody) {
  under_test_->write({WrittenUser("juliet", "example.org", "secret")});
  for (const char* name :
       {"*", "j*", "*)(uid=*", "juliet)(objectClass=*", "juliet)(|(uid=*", "\\2a", "juliet\\", "%u",
        "x)(!(uid=y", "' OR '1'='1", "juliet'--", "(|(uid=*))", "juliet\\00", "j\xc3"}) {
    const UserKey user(name, "example.org");
    EXPECT_EQ(outcome_of(get(users().lookup(user))), "not_found") << name;
    const auto owners = get(users().find_bound("example.org", principal(std::string(name) + "@R")));
    ASSERT_EQ(outcome_of(owners), "ok") << name;
    EXPECT_THAT(*owners, IsEmpty()) << name;
    if (users().compares_passwords()) {
      EXPECT_FALSE(get(users().check_password(user, "secret")).value_or(true)) << name;
    }
  }
}

TEST_P(ReadOnlyUserConformance, KeysThatNoUserCanHaveAreInvalid) {
  const std::string long_part(kAddressPartBytesMax + 1, 'x');
  const std::string with_nul("a\0b", 3);
  for (const UserKey& key :
       {UserKey{"", "example.org"}, UserKey{"juliet", ""}, UserKey{long_part, "example.org"},
        UserKey{with_nul, "example.org"}, UserKey{"juliet", with_nul}}) {
    EXPECT_EQ(outcome_of(get(users().lookup(key))), "invalid");
    EXPECT_EQ(outcome_of(get(users().credentials(key))), "invalid");
  }
}

TEST_P(ReadOnlyUserConformance, DisabledAccountsSaySo) {
  WrittenUser disabled("juliet", "example.org");
  disabled.state = AccountState::disabled;
  under_test_->write({disabled, WrittenUser("romeo", "example.org")});
  EXPECT_EQ(get(users().lookup(kJuliet))->state, AccountState::disabled);
  EXPECT_EQ(get(users().lookup(kRomeo))->state, AccountState::active);
  const auto listed = get(users().list("example.org", "", 10));
  ASSERT_EQ(listed->size(), 2U);
  EXPECT_EQ((*listed)[0].state, AccountState::disabled);
  EXPECT_EQ((*listed)[1].state, AccountState::active);
}

TEST_P(ReadOnlyUserConformance, BindingsAreFoundByTheirExactBytes) {
  WrittenUser juliet("juliet", "example.org");
  juliet.bindings = {principal("juliet/admin@EXAMPLE.ORG"), principal("juliet@EXAMPLE.ORG")};
  WrittenUser other("juliet", "example.net");
  other.bindings = {principal("juliet@EXAMPLE.NET")};
  under_test_->write({juliet, other});
  EXPECT_THAT(*get(users().find_bound("example.org", principal("juliet@EXAMPLE.ORG"))),
              ElementsAre(kJuliet));
  EXPECT_THAT(*get(users().find_bound("example.net", principal("juliet@EXAMPLE.NET"))),
              ElementsAre(UserKey("juliet", "example.net")));
  for (const char* none : {"juliet@EXAMPLE.NET", "juliet@example.org", "Juliet@EXAMPLE.ORG",
                           "*@EXAMPLE.ORG", "juliet@EXAMPLE.ORG ", "romeo@EXAMPLE.ORG"}) {
    EXPECT_THAT(*get(users().find_bound("example.org", principal(none))), IsEmpty()) << none;
  }
  EXPECT_EQ(get(users().credentials(kJuliet))->credentials.bindings, juliet.bindings);
}

TEST_P(ReadOnlyUserConformance, ThousandsOfUsersAreListedByPages) {
  constexpr std::size_t kCount = 3000;
  std::vector<WrittenUser> many;
  for (std::size_t i = 0; i < kCount; ++i) {
    many.emplace_back("user" + std::to_string(i), "example.org");
  }
  many.emplace_back("zoe", "example.net");
  under_test_->write(many);
  EXPECT_EQ(get(users().count("example.org")).value(), kCount);
  EXPECT_EQ(get(users().count("example.net")).value(), 1U);
  std::vector<std::string> seen;
  for (std::size_t size = 333; size == 333;) {
    const auto page =
        get(users().list("example.org", seen.empty() ? std::string() : seen.back(), 333));
    ASSERT_EQ(outcome_of(page), "ok");
    for (const Account& account : *page) {
      seen.push_back(account.user.local);
    }
    size = page->size();
  }
  EXPECT_EQ(seen.size(), kCount);
  EXPECT_EQ(std::ranges::adjacent_find(seen, std::ranges::greater_equal{}), seen.end());
}

TEST_P(ReadOnlyUserConformance, AHundredThousandUsersAreFoundAndListedInTime) {
  constexpr std::size_t kCount = 100'000;
  std::vector<WrittenUser> many;
  for (std::size_t i = 0; i < kCount; ++i) {
    many.emplace_back("user" + std::to_string(i), "example.org");
    many.back().bindings = {principal("user" + std::to_string(i) + "@EXAMPLE.ORG")};
  }
  under_test_->fill(many);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(get(users().count("example.org")).value(), kCount);
  const auto asked = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < kCount; i += 199) {
    ASSERT_TRUE(get(users().credentials({"user" + std::to_string(i), "example.org"})).has_value());
    const auto owners = get(users().find_bound("example.org", many[i].bindings.front()));
    ASSERT_TRUE(owners.has_value());
    ASSERT_THAT(*owners, ElementsAre(many[i].user));
  }
  // Whoever searches through all of them is far above this.
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds(20));
  std::size_t seen = 0;
  std::string last;
  for (std::size_t size = 10'000; size == 10'000; seen += size) {
    const auto page = get(users().list("example.org", last, 10'000));
    ASSERT_EQ(outcome_of(page), "ok");
    size = page->size();
    last = size == 0 ? last : page->back().user.local;
  }
  EXPECT_EQ(seen, kCount);
  EXPECT_EQ(last, "user99999");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(120));
}

TEST_P(ReadOnlyUserConformance, OnlyTheRightPasswordIsRight) {
  if (!users().compares_passwords()) {
    GTEST_SKIP() << "this storage gives keys";
  }
  under_test_->write(
      {WrittenUser("juliet", "example.org", "pass wörd"), WrittenUser("romeo", "example.org")});
  const auto check = [&](const UserKey& user, const std::string& password) {
    const auto checked = get(users().check_password(user, password));
    return checked ? (*checked ? "right" : "wrong") : outcome_of(checked);
  };
  EXPECT_EQ(check(kJuliet, "pass wörd"), "right");
  for (const std::string& wrong :
       {std::string("pass"), std::string(), std::string("pass wörd\0", 11), std::string(4000, 'x'),
        std::string("*"), std::string("pass wörd ")}) {
    EXPECT_EQ(check(kJuliet, wrong), "wrong") << wrong;
  }
  EXPECT_EQ(check(kRomeo, ""), "wrong");
  EXPECT_EQ(check(kRomeo, "x"), "wrong");
  EXPECT_EQ(check({"nobody", "example.org"}, "pass wörd"), "wrong");
  EXPECT_EQ(check({"nobody", "example.org"}, ""), "wrong");
  EXPECT_EQ(check({"juliet", "example.net"}, "pass wörd"), "wrong");
}

TEST_P(ReadOnlyUserConformance, WhatIsWrittenElsewhereCannotBeWrittenHere) {
  if (users().is_writable()) {
    GTEST_SKIP() << "this storage can be written";
  }
  under_test_->write({WrittenUser("juliet", "example.org")});
  EXPECT_EQ(outcome_of(get(users().create(kRomeo, {}))), "unsupported");
  EXPECT_EQ(outcome_of(get(users().create_many({NewUser(kRomeo, {})}))), "unsupported");
  EXPECT_EQ(outcome_of(get(users().set_credentials(kJuliet, {}))), "unsupported");
  EXPECT_EQ(outcome_of(get(users().set_state(kJuliet, AccountState::disabled))), "unsupported");
  EXPECT_EQ(outcome_of(get(users().remove(kJuliet))), "unsupported");
  EXPECT_EQ(outcome_of(get(users().bind(kJuliet, principal("a@B")))), "unsupported");
  EXPECT_EQ(outcome_of(get(users().unbind(kJuliet, principal("a@B")))), "unsupported");
  EXPECT_EQ(outcome_of(get(users().lookup(kJuliet))), "ok");
  EXPECT_EQ(outcome_of(get(users().lookup(kRomeo))), "not_found");
}

TEST_P(ReadOnlyUserConformance, AnOutageIsUnavailableAndPasses) {
  under_test_->write({WrittenUser("juliet", "example.org", "secret")});
  ASSERT_EQ(outcome_of(get(users().lookup(kJuliet))), "ok");
  under_test_->set_outage(true);
  EXPECT_EQ(outcome_of(get(users().lookup(kJuliet))), "unavailable");
  EXPECT_EQ(outcome_of(get(users().lookup(kRomeo))), "unavailable");
  EXPECT_EQ(outcome_of(get(users().credentials(kJuliet))), "unavailable");
  EXPECT_EQ(outcome_of(get(users().list("example.org", "", 9))), "unavailable");
  EXPECT_EQ(outcome_of(get(users().count("example.org"))), "unavailable");
  EXPECT_EQ(outcome_of(get(users().find_bound("example.org", principal("a@B")))), "unavailable");
  if (users().compares_passwords()) {
    EXPECT_EQ(outcome_of(get(users().check_password(kJuliet, "secret"))), "unavailable");
    EXPECT_EQ(outcome_of(get(users().check_password(kRomeo, "secret"))), "unavailable");
  }
  under_test_->set_outage(false);
  // A storage may leave a server that failed alone for a moment, each of its workers by itself.
  const auto is_back = [this] {
    return outcome_of(get(users().lookup(kJuliet))) == "ok" &&
           outcome_of(get(users().lookup(kRomeo))) == "not_found";
  };
  bool has_come_back = is_back();
  for (int i = 0; i < 400 && !has_come_back; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
    has_come_back = is_back();
  }
  EXPECT_TRUE(has_come_back);
}

TEST_P(ReadOnlyUserConformance, ManyAskAtOnce) {
  std::vector<WrittenUser> many;
  for (int i = 0; i < 100; ++i) {
    many.emplace_back("user" + std::to_string(i), "example.org");
  }
  under_test_->write(many);
  std::vector<std::optional<StoreResult<Account>>> answers(1000);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    TestExecutor::start(users().lookup({"user" + std::to_string(i % 200), "example.org"}),
                        answers[i]);
  }
  shard_.run_until_blocking([&] {
    return std::ranges::all_of(answers, [](const auto& answer) { return answer.has_value(); });
  });
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(outcome_of(*answers[i]), i % 200 < 100 ? "ok" : "not_found") << i;
  }
}

}  // namespace
}  // namespace rondel::store::test
