#include <gmock/gmock.h>

#include "tests/store/storage_conformance.h"

namespace rondel::store::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const UserKey kJuliet{"juliet", "example.org"};
const UserKey kRomeo{"romeo", "example.org"};
const Timestamp kStamp{std::chrono::milliseconds(1'700'000'000'123)};

std::vector<std::string> texts(const std::vector<OfflineStanza>& stanzas) {
  std::vector<std::string> all;
  for (const OfflineStanza& one : stanzas) {
    all.push_back(one.stanza);
  }
  return all;
}

TEST_P(OfflineConformance, StanzasComeBackOldestFirstWithTheirStamps) {
  EXPECT_THAT(*get(offline().fetch(kJuliet, 0, 10)), IsEmpty());
  // The order is that of add(), whatever the stamps say.
  ASSERT_EQ(outcome_of(get(offline().add(kJuliet, "<one/>", kStamp, 10))), "ok");
  ASSERT_EQ(outcome_of(get(offline().add(kRomeo, "<other/>", kStamp, 10))), "ok");
  ASSERT_EQ(outcome_of(get(offline().add(kJuliet, "<two/>", kStamp - std::chrono::hours(1), 10))),
            "ok");
  const auto all = get(offline().fetch(kJuliet, 0, 10));
  ASSERT_THAT(texts(*all), ElementsAre("<one/>", "<two/>"));
  EXPECT_EQ((*all)[0].stamp, kStamp);
  EXPECT_EQ((*all)[1].stamp, kStamp - std::chrono::hours(1));
  EXPECT_GT((*all)[0].id, 0);
  EXPECT_GT((*all)[1].id, (*all)[0].id);
}

TEST_P(OfflineConformance, TheLimitIsExactAndRefusesWithFull) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(outcome_of(get(offline().add(kJuliet, "<m/>", kStamp, 3))), "ok");
  }
  EXPECT_EQ(outcome_of(get(offline().add(kJuliet, "<m/>", kStamp, 3))), "full");
  EXPECT_EQ(outcome_of(get(offline().add(kRomeo, "<m/>", kStamp, 0))), "full");
  EXPECT_EQ(get(offline().count(kJuliet)).value(), 3);
  EXPECT_EQ(get(offline().count(kRomeo)).value(), 0);
  EXPECT_EQ(outcome_of(get(offline().add(kJuliet, "<m/>", kStamp, 4))), "ok");
}

TEST_P(OfflineConformance, BytesAreLimitedAsWellWithWhatWaitsAlready) {
  const std::string rose = "\xf0\x9f\x8c\xb9";  // One character, four bytes.
  const std::string large(5000, 'x');
  ASSERT_EQ(outcome_of(get(offline().add(kJuliet, large, kStamp, {10, 5000}))), "ok");
  EXPECT_EQ(outcome_of(get(offline().add(kJuliet, "y", kStamp, {10, 5000}))), "full");
  EXPECT_EQ(outcome_of(get(offline().add(kJuliet, rose, kStamp, {10, 5003}))), "full");
  EXPECT_EQ(outcome_of(get(offline().add(kJuliet, rose, kStamp, {10, 5004}))), "ok");
  EXPECT_EQ(outcome_of(get(offline().add(kJuliet, "y", kStamp, {10, 5004}))), "full");
  EXPECT_EQ(outcome_of(get(offline().add(kJuliet, "y", kStamp, {2, 9000}))), "full");
  EXPECT_EQ(outcome_of(get(offline().add(kRomeo, "y", kStamp, {10, 0}))), "full");
  EXPECT_EQ(outcome_of(get(offline().add(kRomeo, "y", kStamp, {10, 1}))), "ok");
  EXPECT_THAT(texts(*get(offline().fetch(kJuliet, 0, 10))), ElementsAre(large, rose));
  // What is fetched and removed makes room.
  const auto first = get(offline().fetch(kJuliet, 0, 1));
  ASSERT_EQ(outcome_of(get(offline().remove(kJuliet, {first->front().id}))), "ok");
  EXPECT_EQ(outcome_of(get(offline().add(kJuliet, "y", kStamp, {10, 5}))), "ok");
  EXPECT_EQ(outcome_of(get(offline().add(kJuliet, "y", kStamp, {10, 5}))), "full");
}

TEST_P(OfflineConformance, PagesGoOnAfterAnId) {
  for (int i = 0; i < 7; ++i) {
    ASSERT_EQ(outcome_of(get(offline().add(kJuliet, std::to_string(i), kStamp, 10))), "ok");
  }
  const auto first = get(offline().fetch(kJuliet, 0, 3));
  EXPECT_THAT(texts(*first), ElementsAre("0", "1", "2"));
  const auto second = get(offline().fetch(kJuliet, first->back().id, 3));
  EXPECT_THAT(texts(*second), ElementsAre("3", "4", "5"));
  const auto third = get(offline().fetch(kJuliet, second->back().id, 3));
  EXPECT_THAT(texts(*third), ElementsAre("6"));
  EXPECT_THAT(*get(offline().fetch(kJuliet, third->back().id, 3)), IsEmpty());
}

TEST_P(OfflineConformance, RemovalTakesWhatIsNamedAndNothingOfOthers) {
  for (int i = 0; i < 6; ++i) {
    ASSERT_EQ(outcome_of(get(offline().add(kJuliet, std::to_string(i), kStamp, 10))), "ok");
    ASSERT_EQ(outcome_of(get(offline().add(kRomeo, std::to_string(i), kStamp, 10))), "ok");
  }
  const auto all = get(offline().fetch(kJuliet, 0, 10));
  ASSERT_THAT(*all, SizeIs(6));
  ASSERT_EQ(outcome_of(get(offline().remove_through(kJuliet, (*all)[1].id))), "ok");
  EXPECT_THAT(texts(*get(offline().fetch(kJuliet, 0, 10))), ElementsAre("2", "3", "4", "5"));
  const std::uint64_t others = get(offline().fetch(kRomeo, 0, 1))->front().id;
  ASSERT_EQ(outcome_of(get(offline().remove(kJuliet, {(*all)[3].id, (*all)[5].id, others, 0}))),
            "ok");
  EXPECT_THAT(texts(*get(offline().fetch(kJuliet, 0, 10))), ElementsAre("2", "4"));
  EXPECT_EQ(get(offline().count(kRomeo)).value(), 6);
  EXPECT_EQ(outcome_of(get(offline().remove(kJuliet, {}))), "ok");
}

TEST_P(OfflineConformance, AnIdIsNeverUsedAgain) {
  ASSERT_EQ(outcome_of(get(offline().add(kJuliet, "<old/>", kStamp, 10))), "ok");
  const std::uint64_t old = get(offline().fetch(kJuliet, 0, 1))->front().id;
  ASSERT_EQ(outcome_of(get(offline().remove_through(kJuliet, old))), "ok");
  ASSERT_EQ(outcome_of(get(offline().add(kJuliet, "<new/>", kStamp, 10))), "ok");
  EXPECT_GT(get(offline().fetch(kJuliet, 0, 1))->front().id, old);
  // A removal that comes twice takes nothing that came in between.
  ASSERT_EQ(outcome_of(get(offline().remove_through(kJuliet, old))), "ok");
  EXPECT_EQ(get(offline().count(kJuliet)).value(), 1);
}

TEST_P(OfflineConformance, LargeAndOddStanzasAreKeptByteForByte) {
  const std::string large(256 * 1024, 'x');
  const std::string odd = "<body>'; -- \xf0\x9f\x8c\xb9 %s \xc3\xa9\r\n\t</body>";
  ASSERT_EQ(outcome_of(get(offline().add(kJuliet, large, kStamp, 10))), "ok");
  ASSERT_EQ(outcome_of(get(offline().add(kJuliet, odd, kStamp, 10))), "ok");
  EXPECT_THAT(texts(*get(offline().fetch(kJuliet, 0, 10))), ElementsAre(large, odd));
}

TEST_P(KeyValueConformance, ValuesAreBytesByUserSpaceAndKey) {
  const std::string bytes("\0\xff\x01 x", 5);
  EXPECT_EQ(outcome_of(get(key_values().get(kJuliet, "s", "k"))), "not_found");
  ASSERT_EQ(outcome_of(get(key_values().put(kJuliet, "s", "k", bytes))), "ok");
  ASSERT_EQ(outcome_of(get(key_values().put(kJuliet, "s", "k2", ""))), "ok");
  ASSERT_EQ(outcome_of(get(key_values().put(kJuliet, "s2", "k", "other space"))), "ok");
  ASSERT_EQ(outcome_of(get(key_values().put(kRomeo, "s", "k", "other user"))), "ok");
  EXPECT_EQ(get(key_values().get(kJuliet, "s", "k")).value(), bytes);
  EXPECT_EQ(get(key_values().get(kJuliet, "s", "k2")).value(), "");
  EXPECT_EQ(get(key_values().get(kJuliet, "s2", "k")).value(), "other space");
  EXPECT_EQ(get(key_values().get(kRomeo, "s", "k")).value(), "other user");
}

TEST_P(KeyValueConformance, PutReplacesAndRemoveRemoves) {
  ASSERT_EQ(outcome_of(get(key_values().put(kJuliet, "s", "k", "old"))), "ok");
  ASSERT_EQ(outcome_of(get(key_values().put(kJuliet, "s", "k", "new"))), "ok");
  EXPECT_EQ(get(key_values().get(kJuliet, "s", "k")).value(), "new");
  ASSERT_EQ(outcome_of(get(key_values().remove(kJuliet, "s", "k"))), "ok");
  EXPECT_EQ(outcome_of(get(key_values().get(kJuliet, "s", "k"))), "not_found");
  EXPECT_EQ(outcome_of(get(key_values().remove(kJuliet, "s", "k"))), "ok");
}

TEST_P(KeyValueConformance, AHostHasValuesOfItsOwn) {
  const UserKey host{"", "example.org"};
  ASSERT_EQ(outcome_of(get(key_values().put(host, "s", "k", "host"))), "ok");
  EXPECT_EQ(get(key_values().get(host, "s", "k")).value(), "host");
  EXPECT_EQ(outcome_of(get(key_values().get(kJuliet, "s", "k"))), "not_found");
  EXPECT_EQ(outcome_of(get(key_values().get({"", "example.net"}, "s", "k"))), "not_found");
}

TEST_P(KeyValueConformance, SizesHaveBounds) {
  const std::string value(kValueBytesMax, 'v');
  const std::string key(kKeyBytesMax, 'k');
  ASSERT_EQ(outcome_of(get(key_values().put(kJuliet, key, key, value))), "ok");
  EXPECT_EQ(get(key_values().get(kJuliet, key, key)).value(), value);
  EXPECT_EQ(outcome_of(get(key_values().put(kJuliet, "s", "k", value + "v"))), "invalid");
  EXPECT_EQ(outcome_of(get(key_values().put(kJuliet, "s", key + "k", "v"))), "invalid");
  EXPECT_EQ(outcome_of(get(key_values().put(kJuliet, "", "k", "v"))), "invalid");
  EXPECT_EQ(outcome_of(get(key_values().put(kJuliet, "s", std::string("\0", 1), "v"))), "invalid");
}

}  // namespace
}  // namespace rondel::store::test
