#include "base/encoding.h"

#include <array>
#include <gtest/gtest.h>
#include <random>

namespace rondel::base {
namespace {

using namespace std::string_view_literals;

struct Pair {
  std::string_view bytes;
  std::string_view text;
};

TEST(Base64, EncodesAndDecodesTheVectorsOfRfc4648Section10) {
  for (const auto& [bytes, text] : {Pair{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="},
                                    {"fooba", "Zm9vYmE="},
                                    {"foobar", "Zm9vYmFy"},
                                    {"\0"sv, "AA=="},
                                    {"\xff\xff\xff", "////"},
                                    {"\xfb\xef\xbe", "++++"}}) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text), bytes) << text;
  }
}

TEST(Base64, RefusesWhateverItsEncoderDoesNotProduce) {
  for (const std::string_view text :
       {"Z"sv,         // not a multiple of four
        "Zg"sv,        // padding missing
        "Zg="sv,       // padding too short
        "Zg==="sv,     // too long
        "Zg======"sv,  // a group of padding
        "="sv,        "=="sv,    "===="sv,
        "A==="sv,      // six bits make no byte
        "Zh=="sv,      // stray bits in the last digit
        "Zm9="sv,      // the same, one pad
        "Zg==Zg=="sv,  // padding inside
        "Z=g="sv,     "=Zg="sv,  "Zm9v\n"sv,  "Zm9v\nZm9"sv, " Zm9"sv, "Zm9 "sv,
        "Zm9-"sv,  // the URL alphabet
        "Zm9_"sv,     "Zm9\0"sv, "Zm9\xc3"sv, "Zm.v"sv}) {
    EXPECT_EQ(base64_decode(text), std::nullopt) << text;
  }
}

TEST(Base64, AcceptsExactlyOneTextForEachByteSequence) {
  // Every text of one group over a part of the alphabet: what decodes must encode to itself.
  constexpr std::string_view kSome = "AQgwB/+9=";
  for (const char a : kSome) {
    for (const char b : kSome) {
      for (const char c : kSome) {
        for (const char d : kSome) {
          const std::string text{a, b, c, d};
          if (const auto bytes = base64_decode(text)) {
            EXPECT_EQ(base64_encode(*bytes), text);
          }
        }
      }
    }
  }
}

TEST(Base64, RandomBytesComeBack) {
  std::mt19937 random(1);
  for (std::size_t size = 0; size < 200; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) {
      c = static_cast<char>(random());
    }
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
    EXPECT_EQ(hex_decode(hex_encode(bytes)), bytes);
  }
}

TEST(Base64Url, HasNoPaddingAndASafeAlphabet) {
  EXPECT_EQ(base64url_encode(""), "");
  EXPECT_EQ(base64url_encode("f"), "Zg");
  EXPECT_EQ(base64url_encode("fo"), "Zm8");
  EXPECT_EQ(base64url_encode("\xfb\xff\xfe"), "-__-");
}

TEST(Hex, EncodesInLowerCaseAndDecodesBoth) {
  EXPECT_EQ(hex_encode("\x00\x1f\xab\xff"sv), "001fabff");
  EXPECT_EQ(hex_decode("001FabFf"), "\x00\x1f\xab\xff"sv);
  EXPECT_EQ(hex_decode(""), "");
  for (const std::string_view text :
       {"0"sv, "0g"sv, "g0"sv, " 0"sv, "0x"sv, "00 "sv, "@0"sv, "`0"sv, "\0\0"sv}) {
    EXPECT_EQ(hex_decode(text), std::nullopt) << text;
  }
}

TEST(EqualConstantTime, ComparesLikeAnyComparison) {
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("secret", "secret"));
  EXPECT_FALSE(equal_constant_time("secret", "secreT"));
  EXPECT_FALSE(equal_constant_time("Secret", "secret"));
  EXPECT_FALSE(equal_constant_time("secret", "secre"));
  EXPECT_FALSE(equal_constant_time("", "s"));
  EXPECT_FALSE(equal_constant_time("\x80", std::string_view("\0", 1)));
}

TEST(Wipe, LeavesNothingOfTheSecret) {
  std::string secret = "a password";
  wipe(secret);
  EXPECT_TRUE(secret.empty());
  std::array<std::byte, 4> bytes{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  wipe(bytes);
  EXPECT_EQ(bytes, (std::array<std::byte, 4>{}));
  wipe(std::span<std::byte>());
}

}  // namespace
}  // namespace rondel::base
