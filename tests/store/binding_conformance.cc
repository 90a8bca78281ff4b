#include <atomic>
#include <gmock/gmock.h>
#include <thread>

#include "tests/store/storage_conformance.h"

namespace rondel::store::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const UserKey kJuliet{"juliet", "example.org"};
const UserKey kRomeo{"romeo", "example.org"};

const Binding kFingerprint{BindingKind::certificate_fingerprint, std::string(64, 'a')};
const Binding kName{BindingKind::certificate_name, "xmpp:juliet@example.org"};
const Binding kPrincipal{BindingKind::principal, "juliet@EXAMPLE.ORG"};

TEST_P(BindingConformance, AnAccountHasSeveralOfSeveralKindsAndIsFoundByEach) {
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, sample_credentials("j")))), "ok");
  for (const Binding& binding : {kPrincipal, kName, kFingerprint}) {
    EXPECT_THAT(*get(users().find_bound("example.org", binding)), IsEmpty());
    ASSERT_EQ(outcome_of(get(users().bind(kJuliet, binding))), "ok");
    EXPECT_THAT(*get(users().find_bound("example.org", binding)), ElementsAre(kJuliet));
  }
  const auto found = get(users().credentials(kJuliet));
  ASSERT_TRUE(found.has_value());
  EXPECT_THAT(found->credentials.bindings, ElementsAre(kFingerprint, kName, kPrincipal));
  EXPECT_EQ(found->credentials.scram, sample_credentials("j").scram);
}

TEST_P(BindingConformance, BindingTwiceIsNoErrorAndAnotherAccountsIsAConflict) {
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, {}))), "ok");
  ASSERT_EQ(outcome_of(get(users().create(kRomeo, {}))), "ok");
  ASSERT_EQ(outcome_of(get(users().bind(kJuliet, kPrincipal))), "ok");
  EXPECT_EQ(outcome_of(get(users().bind(kJuliet, kPrincipal))), "ok");
  EXPECT_EQ(outcome_of(get(users().bind(kRomeo, kPrincipal))), "conflict");
  EXPECT_THAT(get(users().credentials(kJuliet))->credentials.bindings, ElementsAre(kPrincipal));
  EXPECT_THAT(get(users().credentials(kRomeo))->credentials.bindings, IsEmpty());
  // The same text of another kind is another binding, and so is the same on another host.
  const Binding named(BindingKind::certificate_name, "cn:" + kPrincipal.value);
  EXPECT_EQ(outcome_of(get(users().bind(kRomeo, named))), "ok");
  const UserKey other{"romeo", "example.net"};
  ASSERT_EQ(outcome_of(get(users().create(other, {}))), "ok");
  EXPECT_EQ(outcome_of(get(users().bind(other, kPrincipal))), "ok");
  EXPECT_THAT(*get(users().find_bound("example.net", kPrincipal)), ElementsAre(other));
  EXPECT_THAT(*get(users().find_bound("example.com", kPrincipal)), IsEmpty());
}

TEST_P(BindingConformance, UnbindingTakesOneAndOnlyItsOwners) {
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, {}))), "ok");
  ASSERT_EQ(outcome_of(get(users().create(kRomeo, {}))), "ok");
  ASSERT_EQ(outcome_of(get(users().bind(kJuliet, kPrincipal))), "ok");
  ASSERT_EQ(outcome_of(get(users().bind(kJuliet, kName))), "ok");
  EXPECT_EQ(outcome_of(get(users().unbind(kRomeo, kPrincipal))), "not_found");
  EXPECT_EQ(outcome_of(get(users().unbind(kJuliet, kPrincipal))), "ok");
  EXPECT_EQ(outcome_of(get(users().unbind(kJuliet, kPrincipal))), "not_found");
  EXPECT_THAT(get(users().credentials(kJuliet))->credentials.bindings, ElementsAre(kName));
  EXPECT_EQ(outcome_of(get(users().bind(kRomeo, kPrincipal))), "ok");
}

TEST_P(BindingConformance, AnAccountThatIsNotThereHasNone) {
  EXPECT_EQ(outcome_of(get(users().bind(kJuliet, kPrincipal))), "not_found");
  EXPECT_EQ(outcome_of(get(users().unbind(kJuliet, kPrincipal))), "not_found");
  EXPECT_THAT(*get(users().find_bound("example.org", kPrincipal)), IsEmpty());
}

TEST_P(BindingConformance, ANewPasswordLeavesThemAndARemovalTakesThem) {
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, sample_credentials("old")))), "ok");
  ASSERT_EQ(outcome_of(get(users().bind(kJuliet, kPrincipal))), "ok");
  ASSERT_EQ(outcome_of(get(users().set_credentials(kJuliet, sample_credentials("new")))), "ok");
  const auto found = get(users().credentials(kJuliet));
  EXPECT_EQ(found->credentials.scram, sample_credentials("new").scram);
  EXPECT_THAT(found->credentials.bindings, ElementsAre(kPrincipal));
  ASSERT_EQ(outcome_of(get(users().remove(kJuliet))), "ok");
  EXPECT_THAT(*get(users().find_bound("example.org", kPrincipal)), IsEmpty());
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, {}))), "ok");
  EXPECT_THAT(get(users().credentials(kJuliet))->credentials.bindings, IsEmpty());
}

TEST_P(BindingConformance, TheLimitIsExactAndRefusesWithFull) {
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, {}))), "ok");
  const auto numbered = [](std::size_t number) {
    return Binding(BindingKind::principal, "juliet/" + std::to_string(number) + "@R");
  };
  for (std::size_t i = 0; i < kBindingsMax; ++i) {
    ASSERT_EQ(outcome_of(get(users().bind(kJuliet, numbered(i)))), "ok");
  }
  EXPECT_EQ(outcome_of(get(users().bind(kJuliet, numbered(kBindingsMax)))), "full");
  EXPECT_EQ(outcome_of(get(users().bind(kJuliet, numbered(0)))), "ok") << "it is there already";
  EXPECT_THAT(*get(users().find_bound("example.org", numbered(kBindingsMax))), IsEmpty());
}

TEST_P(BindingConformance, WhatCannotBeOneIsInvalidEverywhere) {
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, {}))), "ok");
  using Kind = BindingKind;
  const Binding bad[] = {{Kind::certificate_fingerprint, std::string(63, 'a')},
                         {Kind::certificate_fingerprint, std::string(65, 'a')},
                         {Kind::certificate_fingerprint, std::string(64, 'A')},
                         {Kind::certificate_fingerprint, std::string(64, 'g')},
                         {Kind::certificate_name, "juliet@example.org"},
                         {Kind::certificate_name, "cn:"},
                         {Kind::certificate_name, "CN:juliet"},
                         {Kind::certificate_name, std::string("cn:a\0b", 6)},
                         {Kind::certificate_name, "cn:" + std::string(kBindingBytesMax - 2, 'x')},
                         {Kind::principal, "juliet"},
                         {Kind::principal, "@R"},
                         {Kind::principal, "juliet@"},
                         {static_cast<Kind>(9), "juliet@R"}};
  for (const Binding& binding : bad) {
    EXPECT_EQ(outcome_of(get(users().bind(kJuliet, binding))), "invalid") << binding.value;
    EXPECT_EQ(outcome_of(get(users().unbind(kJuliet, binding))), "invalid");
    EXPECT_EQ(outcome_of(get(users().find_bound("example.org", binding))), "invalid");
  }
  CredentialSet with_binding;
  with_binding.bindings.push_back(kPrincipal);
  EXPECT_EQ(outcome_of(get(users().create(kRomeo, with_binding))), "invalid");
  EXPECT_EQ(outcome_of(get(users().set_credentials(kJuliet, with_binding))), "invalid");
}

TEST_P(BindingConformance, TheLongestAndTheOddestValuesAreKeptByteForByte) {
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, {}))), "ok");
  std::vector<Binding> all{
      {BindingKind::certificate_name, "cn:" + std::string(kBindingBytesMax - 3, 'x')},
      {BindingKind::certificate_name, "cn:J\xc3\xbclia"},
      {BindingKind::certificate_name, "cn:Ju\xcc\x88lia"},
      {BindingKind::certificate_name, "cn:JULIA"},
      {BindingKind::certificate_name, "cn:julia"},
      {BindingKind::certificate_name, "cn:julia "}};
  for (const std::string& text : hostile_texts()) {
    all.emplace_back(BindingKind::certificate_name, "email:" + text);
    all.emplace_back(BindingKind::principal, text + "@" + text);
  }
  for (const Binding& binding : all) {
    ASSERT_EQ(outcome_of(get(users().bind(kJuliet, binding))), "ok") << binding.value;
    EXPECT_THAT(*get(users().find_bound("example.org", binding)), ElementsAre(kJuliet));
  }
  std::ranges::sort(all);
  EXPECT_EQ(get(users().credentials(kJuliet))->credentials.bindings, all);
}

TEST_P(BindingConformance, OfSeveralShardsThatBindTheSameOneGetsIt) {
  constexpr int kShards = 4;
  constexpr int kRounds = 25;
  Storage& storage = under_test_->storage();
  for (int number = 0; number < kShards; ++number) {
    ASSERT_EQ(outcome_of(get(users().create({"user" + std::to_string(number), "example.org"}, {}))),
              "ok");
  }
  std::atomic<int> bound{0};
  std::atomic<int> refused{0};
  const auto work = [&](int number) {
    TestExecutor shard;
    auto session = storage.attach(shard);
    const UserKey own{"user" + std::to_string(number), "example.org"};
    for (int round = 0; round < kRounds; ++round) {
      const Binding binding(BindingKind::principal, "p" + std::to_string(round) + "@R");
      const std::string outcome =
          outcome_of(shard.get_blocking(session->users()->bind(own, binding)));
      bound += outcome == "ok" ? 1 : 0;
      refused += outcome == "conflict" ? 1 : 0;
    }
  };
  std::vector<std::thread> threads;
  for (int number = 0; number < kShards; ++number) {
    threads.emplace_back(work, number);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(bound, kRounds);
  EXPECT_EQ(refused, kRounds * (kShards - 1));
}

TEST_P(BindingConformance, TextThatMeansSomethingToAnEngineIsTextInEveryField) {
  ASSERT_EQ(outcome_of(get(users().create(kJuliet, sample_credentials("j")))), "ok");
  for (const std::string& text : hostile_texts()) {
    const UserKey user{text, text};
    ASSERT_EQ(outcome_of(get(users().create(user, sample_credentials(text)))), "ok") << text;
    EXPECT_EQ(get(users().credentials(user))->credentials, sample_credentials(text));
    EXPECT_EQ(get(users().count(text)).value(), 1);
    RosterItem item(text, text, {text});
    item.pending_in = text;
    item.version = get(rosters().change(user, {RosterChange::put(item)})).value();
    EXPECT_THAT(get(rosters().load(user))->items, ElementsAre(item));
    ASSERT_EQ(outcome_of(get(offline().add(user, text, timestamp_now(), 9))), "ok");
    EXPECT_EQ(get(offline().fetch(user, 0, 9))->front().stanza, text);
    ASSERT_EQ(outcome_of(get(key_values().put(user, text, text, text))), "ok");
    EXPECT_EQ(get(key_values().get(user, text, text)).value(), text);
    ASSERT_EQ(outcome_of(get(users().remove(user))), "ok");
  }
  EXPECT_EQ(get(users().credentials(kJuliet))->credentials, sample_credentials("j"));
  EXPECT_EQ(get(users().count("example.org")).value(), 1);
}

}  // namespace
}  // namespace rondel::store::test
