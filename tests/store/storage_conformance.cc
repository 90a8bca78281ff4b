#include "tests/store/storage_conformance.h"

#include <algorithm>
#include <gmock/gmock.h>

namespace rondel::store::test {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

void StorageConformance::SetUp() {
  under_test_ = GetParam().make();
  ASSERT_NE(under_test_, nullptr);
  session_ = under_test_->storage().attach(shard_);
  ASSERT_NE(session_, nullptr);
}

void StorageConformance::TearDown() {
  if (under_test_) {
    under_test_->storage().close_blocking();
    shard_.run_ready();
    session_.reset();
    under_test_.reset();
  }
}

CredentialSet sample_credentials(const std::string& seed) {
  const std::string zero(1, '\0');
  return CredentialSet{{{ScramHash::sha_1, 4096, "salt1" + seed, zero + "\xff" + seed, "server1"},
                        {ScramHash::sha_256, 10000, "salt2" + seed, "stored2" + zero, "server2"},
                        {ScramHash::sha_512, 20000, zero, "stored3", seed + "server3"}}};
}

std::vector<std::string> hostile_texts() {
  return {"' OR '1'='1",
          "x'; DROP TABLE account; --",
          "x'); DELETE FROM account; --",
          "\"; DROP SCHEMA rondel CASCADE; --",
          "$1",
          "$$; DROP TABLE account; $$",
          "E'\\\\'; DROP TABLE account; --",
          "?1",
          "{a,b}",
          "%",
          "_%",
          "a*",
          "*)(uid=*",
          "(|(uid=*))",
          "\\27",
          "\\20x",
          "\\",
          "juliet\n",
          "%00"};
}

std::vector<std::string> odd_local_parts() {
  std::vector<std::string> names;
  for (char c = '!'; c <= '~'; ++c) {
    names.emplace_back(1, c);
    names.push_back(std::string("a") + c + "b");
  }
  for (std::string& text : hostile_texts()) {
    names.push_back(std::move(text));
  }
  for (const char* name :
       {"grüße", "юлия", "العربية", "日本語", "𐍈𐍈", "e\xcc\x81", "\xc3\xa9", "ß", "ss", "\x7f",
        "\xf4\x8f\xbf\xbd", "\xef\xbb\xbf", "null", "NULL", "0", "-1", "1e3"}) {
    names.emplace_back(name);
  }
  names.emplace_back(kAddressPartBytesMax, 'x');
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  return names;
}

namespace {

const UserKey kJuliet{"juliet", "example.org"};
const UserKey kRomeo{"romeo", "example.org"};

TEST_P(UserConformance, ACreatedAccountIsFoundWithItsCredentials) {
  const Timestamp before = timestamp_now();
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, sample_credentials("j")))), "ok");
  const auto found = get(users().credentials(kJuliet));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->account.user, kJuliet);
  EXPECT_EQ(found->account.state, AccountState::active);
  EXPECT_GE(found->account.created, before);
  EXPECT_LE(found->account.created, timestamp_now());
  EXPECT_EQ(found->account.password_changed, found->account.created);
  EXPECT_EQ(found->credentials, sample_credentials("j"));
  const auto account = get(users().lookup(kJuliet));
  ASSERT_TRUE(account.has_value());
  EXPECT_EQ(*account, found->account);
}

TEST_P(UserConformance, AnAccountMayHaveNoCredentials) {
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, {}))), "ok");
  const auto found = get(users().credentials(kJuliet));
  ASSERT_TRUE(found.has_value());
  EXPECT_THAT(found->credentials.scram, IsEmpty());
}

TEST_P(UserConformance, CredentialsComeInTheOrderOfTheirHashes) {
  CredentialSet set = sample_credentials("j");
  std::ranges::reverse(set.scram);
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, set))), "ok");
  EXPECT_EQ(get(users().credentials(kJuliet))->credentials, sample_credentials("j"));
}

TEST_P(UserConformance, ASecondCreateIsAConflictAndChangesNothing) {
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, sample_credentials("first")))), "ok");
  EXPECT_EQ(outcome_of(get(users().create(kJuliet, sample_credentials("second")))), "conflict");
  EXPECT_EQ(get(users().credentials(kJuliet))->credentials, sample_credentials("first"));
}

TEST_P(UserConformance, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(outcome_of(get(users().lookup(kJuliet))), "not_found");
  EXPECT_EQ(outcome_of(get(users().credentials(kJuliet))), "not_found");
  EXPECT_EQ(outcome_of(get(users().set_credentials(kJuliet, {}))), "not_found");
  EXPECT_EQ(outcome_of(get(users().set_state(kJuliet, AccountState::active))), "not_found");
  EXPECT_EQ(outcome_of(get(users().remove(kJuliet))), "not_found");
}

TEST_P(UserConformance, NewCredentialsReplaceAllOldOnesAndNoteTheTime) {
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, sample_credentials("old")))), "ok");
  const auto before = get(users().lookup(kJuliet));
  CredentialSet one{{sample_credentials("new").scram[1]}};
  ASSERT_EQ(outcome_of(get(users().set_credentials(kJuliet, one))), "ok");
  const auto after = get(users().credentials(kJuliet));
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->credentials, one);
  EXPECT_EQ(after->account.created, before->created);
  EXPECT_GE(after->account.password_changed, before->password_changed);
}

TEST_P(UserConformance, AStateIsKept) {
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, sample_credentials("j")))), "ok");
  const Binding name(BindingKind::certificate_name, "cn:juliet");
  ASSERT_EQ(outcome_of(get(users().bind(kJuliet, name))), "ok");
  AccountWithCredentials wanted = *get(users().credentials(kJuliet));
  wanted.account.state = AccountState::disabled;
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(outcome_of(get(users().set_state(kJuliet, AccountState::disabled))), "ok");
    EXPECT_EQ(get(users().lookup(kJuliet))->state, AccountState::disabled);
  }
  // All else stays: whoever is let in again has the password and the bindings that were.
  const auto disabled = get(users().credentials(kJuliet));
  EXPECT_EQ(disabled->account, wanted.account);
  EXPECT_EQ(disabled->credentials, wanted.credentials);
  EXPECT_EQ(get(users().list("example.org", "", 2))->front().state, AccountState::disabled);
  EXPECT_THAT(*get(users().find_bound("example.org", name)), ElementsAre(kJuliet));
  ASSERT_EQ(outcome_of(get(users().set_credentials(kJuliet, sample_credentials("new")))), "ok");
  EXPECT_EQ(get(users().lookup(kJuliet))->state, AccountState::disabled);
  ASSERT_EQ(outcome_of(get(users().set_state(kJuliet, AccountState::active))), "ok");
  EXPECT_EQ(get(users().lookup(kJuliet))->state, AccountState::active);
}

TEST_P(UserConformance, TheSameNameOnTwoHostsIsTwoUsers) {
  const UserKey other{"juliet", "example.net"};
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, sample_credentials("org")))), "ok");
  EXPECT_EQ(outcome_of(get(users().lookup(other))), "not_found");
  ASSERT_EQ(outcome_of(get(users().create(other, sample_credentials("net")))), "ok");
  ASSERT_EQ(outcome_of(get(users().remove(kJuliet))), "ok");
  EXPECT_EQ(get(users().credentials(other))->credentials, sample_credentials("net"));
}

TEST_P(UserConformance, NamesWithEveryLegalCharacterAreDistinctAndSortedByBytes) {
  const std::vector<std::string> names = odd_local_parts();
  for (const std::string& name : names) {
    ASSERT_EQ(outcome_of(get(users().create({name, "example.org"}, sample_credentials(name)))),
              "ok")
        << name;
  }
  const auto listed = get(users().list("example.org", "", names.size() + 1));
  ASSERT_TRUE(listed.has_value());
  ASSERT_THAT(*listed, SizeIs(names.size()));
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ((*listed)[i].user.local, names[i]);
    EXPECT_EQ(get(users().credentials({names[i], "example.org"}))->credentials,
              sample_credentials(names[i]));
  }
}

TEST_P(UserConformance, KeysThatNoUserCanHaveAreInvalid) {
  const std::string long_part(kAddressPartBytesMax + 1, 'x');
  const std::string with_nul("a\0b", 3);
  const UserKey keys[] = {{"", "example.org"},   {"juliet", ""},      {long_part, "example.org"},
                          {"juliet", long_part}, {with_nul, "b.org"}, {"juliet", with_nul}};
  for (const UserKey& key : keys) {
    EXPECT_EQ(outcome_of(get(users().lookup(key))), "invalid");
    EXPECT_EQ(outcome_of(get(users().create(key, {}))), "invalid");
    EXPECT_EQ(outcome_of(get(users().remove(key))), "invalid");
    EXPECT_EQ(outcome_of(get(rosters().load(key))), "invalid");
    EXPECT_EQ(outcome_of(get(offline().count(key))), "invalid");
    EXPECT_EQ(outcome_of(get(session_->erase_user(key))), "invalid");
  }
}

TEST_P(UserConformance, IncompleteCredentialsAreInvalid) {
  const ScramCredential good = sample_credentials("x").scram[0];
  ScramCredential no_iterations = good;
  no_iterations.iterations = 0;
  ScramCredential no_salt = good;
  no_salt.salt.clear();
  ScramCredential no_key = good;
  no_key.stored_key.clear();
  for (const CredentialSet& set : {CredentialSet{{good, good}}, CredentialSet{{no_iterations}},
                                   CredentialSet{{no_salt}}, CredentialSet{{no_key}}}) {
    EXPECT_EQ(outcome_of(get(users().create(kJuliet, set))), "invalid");
  }
  EXPECT_EQ(outcome_of(get(users().lookup(kJuliet))), "not_found");
}

std::vector<NewUser> many_users(std::size_t count) {
  std::vector<NewUser> users;
  for (std::size_t i = 0; i < count; ++i) {
    users.push_back({{"user" + std::to_string(i), "example.org"}, {}});
    users.back().credentials.scram = {sample_credentials(std::to_string(i)).scram[1]};
  }
  return users;
}

TEST_P(UserConformance, ThousandsOfUsersAreImportedAndListedByPages) {
  constexpr std::size_t kCount = 5000;
  const auto outcome = get(users().create_many(many_users(kCount)));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->created, kCount);
  EXPECT_THAT(outcome->existing, IsEmpty());
  ASSERT_EQ(outcome_of(get(users().create({"zoe", "example.net"}, {}))), "ok");
  EXPECT_EQ(get(users().count("example.org")).value(), kCount);
  EXPECT_EQ(get(users().count("example.net")).value(), 1);
  EXPECT_EQ(get(users().count("example.com")).value(), 0);
  std::vector<std::string> seen;
  std::string after;
  for (;;) {
    const auto page = get(users().list("example.org", after, 333));
    ASSERT_TRUE(page.has_value());
    for (const Account& account : *page) {
      seen.push_back(account.user.local);
    }
    if (page->size() < 333) {
      break;
    }
    after = seen.back();
  }
  EXPECT_EQ(seen.size(), kCount);
  EXPECT_EQ(std::ranges::adjacent_find(seen, std::ranges::greater_equal{}), seen.end());
  EXPECT_EQ(get(users().credentials({"user4999", "example.org"}))->credentials.scram[0],
            sample_credentials("4999").scram[1]);
}

TEST_P(UserConformance, AHundredThousandUsersAreImportedFoundAndListedInTime) {
  constexpr std::size_t kCount = 100'000;
  constexpr std::size_t kAtOnce = 5000;
  constexpr auto kTimeMax = std::chrono::seconds(120);
  const auto start = std::chrono::steady_clock::now();
  std::vector<NewUser> all = many_users(kCount);
  for (std::size_t begin = 0; begin < kCount; begin += kAtOnce) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto outcome = get(users().create_many(std::vector<NewUser>(
        std::make_move_iterator(first), std::make_move_iterator(first + kAtOnce))));
    ASSERT_TRUE(outcome.has_value());
    ASSERT_EQ(outcome->created, kAtOnce);
  }
  EXPECT_EQ(get(users().count("example.org")).value(), kCount);
  const auto asked = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < kCount; i += 199) {
    ASSERT_TRUE(get(users().credentials({"user" + std::to_string(i), "example.org"})).has_value());
  }
  // Whoever searches through all of them is far above this.
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds(10));
  const auto last = get(users().list("example.org", "user99998", 10));
  ASSERT_TRUE(last.has_value());
  ASSERT_THAT(*last, SizeIs(1));
  EXPECT_EQ(last->front().user.local, "user99999");
  EXPECT_LT(std::chrono::steady_clock::now() - start, kTimeMax);
}

TEST_P(UserConformance, AnImportLeavesExistingAccountsAndNamesThem) {
  ASSERT_EQ(outcome_of(get(users().create({"user1", "example.org"}, sample_credentials("mine")))),
            "ok");
  std::vector<NewUser> import = many_users(3);
  import.push_back(import[2]);
  const auto outcome = get(users().create_many(import));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->created, 2);
  EXPECT_THAT(outcome->existing,
              ElementsAre(UserKey{"user1", "example.org"}, UserKey{"user2", "example.org"}));
  EXPECT_EQ(get(users().credentials({"user1", "example.org"}))->credentials,
            sample_credentials("mine"));
}

TEST_P(UserConformance, AnImportWithOneInvalidUserCreatesNone) {
  std::vector<NewUser> import = many_users(3);
  import.push_back({{"", "example.org"}, {}});
  EXPECT_EQ(outcome_of(get(users().create_many(import))), "invalid");
  EXPECT_EQ(get(users().count("example.org")).value(), 0);
  EXPECT_EQ(get(users().create_many({}))->created, 0);
}

TEST_P(UserConformance, RemovalTakesAllThatTheStorageHoldsOfTheUserAndNoOther) {
  for (const UserKey& user : {kJuliet, kRomeo}) {
    ASSERT_EQ(outcome_of(get(users().create(user, sample_credentials("x")))), "ok");
    RosterItem item{"nurse@example.org", "Nurse", {"Home"}};
    ASSERT_EQ(outcome_of(get(rosters().change(user, {RosterChange::put(item)}))), "ok");
    ASSERT_EQ(outcome_of(get(offline().add(user, "<message/>", timestamp_now(), 9))), "ok");
    ASSERT_EQ(outcome_of(get(key_values().put(user, "last", "seen", "1"))), "ok");
  }
  ASSERT_EQ(outcome_of(get(users().remove(kJuliet))), "ok");
  EXPECT_EQ(outcome_of(get(users().lookup(kJuliet))), "not_found");
  EXPECT_THAT(get(rosters().load(kJuliet))->items, IsEmpty());
  EXPECT_EQ(get(offline().count(kJuliet)).value(), 0);
  EXPECT_EQ(outcome_of(get(key_values().get(kJuliet, "last", "seen"))), "not_found");
  EXPECT_EQ(outcome_of(get(users().lookup(kRomeo))), "ok");
  EXPECT_THAT(get(rosters().load(kRomeo))->items, SizeIs(1));
  EXPECT_EQ(get(offline().count(kRomeo)).value(), 1);
  EXPECT_EQ(outcome_of(get(key_values().get(kRomeo, "last", "seen"))), "ok");
  // Made again, the user starts with nothing of the old.
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, {}))), "ok");
  EXPECT_THAT(get(users().credentials(kJuliet))->credentials.scram, IsEmpty());
}

TEST_P(UserConformance, DataOfUsersWithoutAnAccountHereIsKeptAndErased) {
  ASSERT_EQ(outcome_of(get(rosters().change(kJuliet, {RosterChange::put(RosterItem{"a@b"})}))),
            "ok");
  ASSERT_EQ(outcome_of(get(offline().add(kJuliet, "<message/>", timestamp_now(), 9))), "ok");
  EXPECT_EQ(outcome_of(get(users().remove(kJuliet))), "not_found");
  EXPECT_THAT(get(rosters().load(kJuliet))->items, SizeIs(1));
  EXPECT_EQ(outcome_of(get(session_->erase_user(kJuliet))), "ok");
  EXPECT_THAT(get(rosters().load(kJuliet))->items, IsEmpty());
  EXPECT_EQ(get(offline().count(kJuliet)).value(), 0);
  EXPECT_EQ(outcome_of(get(session_->erase_user(kJuliet))), "ok");
}

}  // namespace
}  // namespace rondel::store::test
