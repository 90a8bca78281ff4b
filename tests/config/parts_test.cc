// The small parts: distances, addresses, times, sizes, quoting.
#include <gtest/gtest.h>
#include <optional>
#include <string>

#include "config/listen_address.h"
#include "config/suggestion.h"
#include "config/units.h"
#include "config/value.h"

namespace rondel::config {
namespace {

TEST(EditDistance, CountsSlips) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("threads", "threads"), 0U);
  EXPECT_EQ(edit_distance("treads", "threads"), 1U);
  EXPECT_EQ(edit_distance("thhreads", "threads"), 1U);
  EXPECT_EQ(edit_distance("thraeds", "threads"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance(std::string(100, 'a'), std::string(98, 'a')), 3U);
}

TEST(Nearest, SuggestsOnlyWhatMayBeASlip) {
  constexpr std::string_view kNames[] = {"level", "destination", "tls"};
  EXPECT_EQ(nearest("levle", kNames), "level");
  EXPECT_EQ(nearest("destinatoin", kNames), "destination");
  EXPECT_EQ(nearest("tsl", kNames), "tls");
  EXPECT_EQ(nearest("colour", kNames), "");
  EXPECT_EQ(nearest("xyz", kNames), "");
  EXPECT_EQ(nearest("", kNames), "");
}

TEST(ListenAddress, TakesNumbersWithAPort) {
  const auto v4 = ListenAddress::parse("192.0.2.1:5222");
  ASSERT_TRUE(v4);
  EXPECT_FALSE(v4->is_v6);
  EXPECT_EQ(v4->port, 5222);
  EXPECT_EQ(v4->bytes, (std::array<std::uint8_t, 16>{192, 0, 2, 1}));
  const auto v6 = ListenAddress::parse("[2001:db8::5]:65535");
  ASSERT_TRUE(v6);
  EXPECT_TRUE(v6->is_v6);
  EXPECT_EQ(v6->port, 65535);
  EXPECT_EQ(v6->bytes, (std::array<std::uint8_t, 16>{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0,
                                                     0, 0, 0, 5}));
  EXPECT_EQ(v6->text, "[2001:db8::5]:65535");
}

TEST(ListenAddress, RefusesAnythingElse) {
  using std::string_literals::operator""s;
  for (const std::string& text :
       {""s, "5222"s, ":5222"s, "*:5222"s, "localhost:5222"s, "192.0.2.1"s, "192.0.2.1:"s,
        "192.0.2.1:65536"s, "192.0.2.1:-1"s, "192.0.2.1: 1"s, "192.0.2.1:1x"s, "192.0.2:1"s,
        "[192.0.2.1]:1"s, "::1:5222"s, "[::1]"s, "[::1:5222"s, "[]:5222"s, "[fe80::1%eth0]:1"s,
        "[::1\0]:1"s}) {
    EXPECT_FALSE(ListenAddress::parse(text)) << text;
  }
}

TEST(ListenAddress, KnowsLoopback) {
  for (const char* text : {"127.0.0.1:1", "127.255.255.255:1", "[::1]:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_TRUE(ListenAddress::parse(text)->is_loopback()) << text;
  }
  for (const char* text : {"0.0.0.0:1", "128.0.0.1:1", "126.255.255.255:1", "[::]:1", "[::2]:1",
                           "[::ffff:10.0.0.1]:1", "[1::1]:1", "[::127.0.0.1]:1"}) {
    EXPECT_FALSE(ListenAddress::parse(text)->is_loopback()) << text;
  }
}

TEST(Duration, IsReadAndWritten) {
  const std::pair<const char*, std::int64_t> good[] = {
      {"0s", 0},       {"500ms", 500},      {"30s", 30'000},    {"90s", 90'000},
      {"5m", 300'000}, {"12h", 43'200'000}, {"7d", 604'800'000}};
  for (const auto& [text, duration_ms] : good) {
    EXPECT_EQ(parse_duration_ms(text), duration_ms);
    EXPECT_EQ(duration_text(duration_ms), text);
  }
  EXPECT_EQ(parse_duration_ms("60s"), 60'000);
  EXPECT_EQ(duration_text(60'000), "1m");
  for (const char* text : {"", "s", "30", "30 s", "-1s", "+1s", "1.5s", "30S", "1w",
                           "106751991168d", "99999999999999999999s"}) {
    EXPECT_EQ(parse_duration_ms(text), std::nullopt) << text;
  }
}

TEST(ByteSize, IsReadInPowersOfTwo) {
  EXPECT_EQ(parse_byte_size("0"), 0);
  EXPECT_EQ(parse_byte_size("512"), 512);
  EXPECT_EQ(parse_byte_size("256KiB"), 262'144);
  EXPECT_EQ(parse_byte_size("2MiB"), 2'097'152);
  EXPECT_EQ(parse_byte_size("3GiB"), 3'221'225'472);
  for (const char* text : {"", "KiB", "1kB", "1KB", "1 KiB", "-1KiB", "1.5MiB", "8589934592GiB"}) {
    EXPECT_EQ(parse_byte_size(text), std::nullopt) << text;
  }
}

TEST(TomlString, EscapesWhatTomlDemands) {
  EXPECT_EQ(toml_string(""), "\"\"");
  EXPECT_EQ(toml_string("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(toml_string("\n\t\r\x01\x7f"), "\"\\n\\t\\u000D\\u0001\\u007F\"");
  EXPECT_EQ(toml_string("bücher"), "\"bücher\"");
}

}  // namespace
}  // namespace rondel::config
