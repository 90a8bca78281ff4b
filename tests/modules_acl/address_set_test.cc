#include "modules/acl/address_set.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace rondel::modules::acl {
namespace {

Address address(const std::string& text) {
  const auto range = parse_address_range(text);
  EXPECT_TRUE(range.has_value()) << text;
  EXPECT_EQ(range->first, range->last) << text;
  return range->first;
}

AddressSet set_of(std::vector<std::string> texts) {
  return AddressSet(texts);
}

TEST(AddressRange, TakesAddressesAndPrefixes) {
  for (const char* text : {"192.0.2.1", "0.0.0.0/0", "10.0.0.0/8", "192.0.2.1/32", "::", "::/0",
                           "2001:db8::/32", "2001:db8::1/128", "::ffff:192.0.2.1", "fe80::/10"}) {
    EXPECT_TRUE(parse_address_range(text)) << text;
  }
}

TEST(AddressRange, RefusesWhatIsNoneOrHasBitsBehindItsPrefix) {
  for (const char* text : {"",
                           "/",
                           "/8",
                           "10.0.0.0/",
                           "10.0.0.0/33",
                           "::/129",
                           "10.0.0.0/-1",
                           "10.0.0.0/+8",
                           "10.0.0.0/08",
                           "10.0.0.0/8 ",
                           " 10.0.0.0/8",
                           "10.0.0.1/8",
                           "2001:db8::1/32",
                           "10.0.0/8",
                           "010.0.0.1",
                           "256.0.0.1",
                           "example.org",
                           "[::1]",
                           "fe80::1%eth0",
                           "::1/64/64"}) {
    EXPECT_FALSE(parse_address_range(text)) << text;
  }
  EXPECT_FALSE(parse_address_range(std::string_view("10.0.0.1\0", 9)));
}

TEST(AddressSet, ContainsBothEndsOfARangeAndNothingBeside) {
  const AddressSet set = set_of({"10.1.2.0/23", "2001:db8:0:8000::/49"});
  EXPECT_TRUE(set.contains(address("10.1.2.0")));
  EXPECT_TRUE(set.contains(address("10.1.3.255")));
  EXPECT_FALSE(set.contains(address("10.1.1.255")));
  EXPECT_FALSE(set.contains(address("10.1.4.0")));
  EXPECT_TRUE(set.contains(address("2001:db8:0:8000::")));
  EXPECT_TRUE(set.contains(address("2001:db8:0:ffff:ffff:ffff:ffff:ffff")));
  EXPECT_FALSE(set.contains(address("2001:db8:0:7fff:ffff:ffff:ffff:ffff")));
  EXPECT_FALSE(set.contains(address("2001:db8:1::")));
}

TEST(AddressSet, MergesRangesThatOverlapTouchOrComeTwice) {
  const AddressSet set = set_of(
      {"10.0.1.0/24", "10.0.0.0/24", "10.0.0.128/25", "10.0.1.0/24", "10.0.0.0/16", "192.0.2.7"});
  EXPECT_TRUE(set.contains(address("10.0.0.200")));
  EXPECT_TRUE(set.contains(address("10.0.255.255")));
  EXPECT_FALSE(set.contains(address("10.1.0.0")));
  EXPECT_TRUE(set.contains(address("192.0.2.7")));
  EXPECT_FALSE(set.contains(address("192.0.2.8")));
}

TEST(AddressSet, EverybodyIsInTheWholeRangeIpv4Too) {
  const AddressSet all = set_of({"::/0", "ffff::/16"});
  EXPECT_TRUE(all.contains(address("192.0.2.7")));
  EXPECT_TRUE(all.contains(address("::")));
  EXPECT_TRUE(all.contains(address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")));
}

TEST(AddressSet, AllOfIpv4HoldsNoIpv6) {
  const AddressSet four = set_of({"0.0.0.0/0"});
  EXPECT_TRUE(four.contains(address("0.0.0.0")));
  EXPECT_TRUE(four.contains(address("255.255.255.255")));
  EXPECT_FALSE(four.contains(address("::1")));
  EXPECT_FALSE(four.contains(address("2001:db8::1")));
}

TEST(AddressSet, AnEmptySetContainsNobody) {
  EXPECT_TRUE(AddressSet().is_empty());
  EXPECT_FALSE(AddressSet().contains(address("192.0.2.7")));
}

}  // namespace
}  // namespace rondel::modules::acl
