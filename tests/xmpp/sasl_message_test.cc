#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "xmpp/sasl/external.h"
#include "xmpp/sasl/failure.h"
#include "xmpp/sasl/plain.h"
#include "xmpp/sasl/saslprep.h"

namespace rondel::xmpp {
namespace {

/// A literal with its NULs.
template <std::size_t N>
std::string bytes(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

TEST(Saslprep, PreparesTheExamplesOfItsSpecification) {
  // RFC 4013 §3.
  EXPECT_EQ(saslprep("I\u00adX").value(), "IX");
  EXPECT_EQ(saslprep("user").value(), "user");
  EXPECT_EQ(saslprep("USER").value(), "USER");
  EXPECT_EQ(saslprep("\u00aa").value(), "a");
  EXPECT_EQ(saslprep("\u2168").value(), "IX");
  EXPECT_FALSE(saslprep("\x07").has_value());
  EXPECT_FALSE(saslprep("\u0627"
                        "1")
                   .has_value());
}

TEST(Saslprep, TakesEveryOtherTextRightly) {
  EXPECT_EQ(saslprep("").value(), "");
  EXPECT_EQ(saslprep("a b").value(), "a b");
  EXPECT_EQ(saslprep("a\u00a0b").value(), "a b");
  EXPECT_EQ(saslprep("e\u0301").value(), "\u00e9");
  EXPECT_EQ(saslprep("\U0001f600").value(), "\U0001f600");
  EXPECT_EQ(saslprep(std::string(kSaslStringBytesMax, 'a'))->size(), kSaslStringBytesMax);
  for (const std::string& text :
       {bytes("a\0b"), bytes("\u00e4\0"), std::string("\x7f"), std::string("\n"),
        std::string("\xff"), std::string("\xed\xa0\x80"), std::string("\ue000"),
        std::string("\u200e"), std::string(kSaslStringBytesMax + 1, 'a')}) {
    const auto result = saslprep(text);
    ASSERT_FALSE(result.has_value()) << text;
    EXPECT_EQ(result.error(), SaslFailure::malformed_request);
  }
}

TEST(Plain, IsTakenApart) {
  struct Case {
    std::string message;
    std::string authzid;
    std::string username;
    std::string password;
  };
  const std::vector<Case> table{
      {bytes("\0user\0pencil"), "", "user", "pencil"},
      {bytes("user@example.org\0user\0pencil"), "user@example.org", "user", "pencil"},
      {bytes("Ursel\0Kurt\0xipj3plmq"), "Ursel", "Kurt", "xipj3plmq"},  // RFC 4616 §4
      {bytes("\0I\xc2\xadX\0\xe2\x85\xa8"), "", "IX", "\xe2\x85\xa8"},
      {bytes("\0user\0 "), "", "user", " "},
      {bytes("\0user\0") + std::string(kSaslStringBytesMax, 'p'), "", "user",
       std::string(kSaslStringBytesMax, 'p')},
  };
  for (const Case& each : table) {
    auto parsed = parse_plain(each.message);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->authzid, each.authzid);
    EXPECT_EQ(parsed->username, each.username);
    EXPECT_EQ(parsed->password, each.password);
    const PlainMessage moved = std::move(*parsed);
    EXPECT_EQ(moved.password, each.password);
  }
}

TEST(Plain, RefusesEverythingElse) {
  const std::vector<std::string> table{
      "",
      "user",
      bytes("\0"),
      bytes("\0\0"),
      bytes("\0user"),
      bytes("\0user\0"),
      bytes("\0\0pencil"),
      bytes("user\0pencil"),
      bytes("\0user\0pencil\0"),
      bytes("\0user\0pen\0cil"),
      bytes("\0us\xff\0pencil"),
      bytes("\0user\0\xff"),
      bytes("\xff\0user\0pencil"),
      bytes("\0us\x07\0pencil"),
      bytes("\0\xc2\xad\0pencil"),
      bytes("\0user\0") + std::string(kSaslStringBytesMax + 1, 'p'),
      std::string(kSaslStringBytesMax + 1, 'a') + bytes("\0user\0pencil"),
      bytes("\0") + std::string(kSaslStringBytesMax + 1, 'u') + bytes("\0pencil"),
      std::string(4 * kSaslStringBytesMax, 'a'),
  };
  for (const std::string& message : table) {
    const auto parsed = parse_plain(message);
    ASSERT_FALSE(parsed.has_value()) << message;
    EXPECT_EQ(parsed.error(), SaslFailure::malformed_request);
  }
}

TEST(External, IsTheAuthorizationIdentityAlone) {
  EXPECT_EQ(parse_external("").value(), "");
  EXPECT_EQ(parse_external("user@example.org").value(), "user@example.org");
  for (const std::string& message :
       {bytes("a\0b"), std::string("\xff"), std::string(kSaslStringBytesMax + 1, 'a')}) {
    EXPECT_EQ(parse_external(message).error(), SaslFailure::malformed_request);
  }
}

TEST(SaslFailure, HasTheNamesOfTheSpecification) {
  const std::vector<std::pair<SaslFailure, std::string_view>> table{
      {SaslFailure::aborted, "aborted"},
      {SaslFailure::account_disabled, "account-disabled"},
      {SaslFailure::credentials_expired, "credentials-expired"},
      {SaslFailure::encryption_required, "encryption-required"},
      {SaslFailure::incorrect_encoding, "incorrect-encoding"},
      {SaslFailure::invalid_authzid, "invalid-authzid"},
      {SaslFailure::invalid_mechanism, "invalid-mechanism"},
      {SaslFailure::malformed_request, "malformed-request"},
      {SaslFailure::mechanism_too_weak, "mechanism-too-weak"},
      {SaslFailure::not_authorized, "not-authorized"},
      {SaslFailure::temporary_auth_failure, "temporary-auth-failure"},
  };
  for (const auto& [failure, name] : table) {
    EXPECT_EQ(element_name(failure), name);
  }
}

}  // namespace
}  // namespace rondel::xmpp
