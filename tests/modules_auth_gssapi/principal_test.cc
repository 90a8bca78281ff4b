#include "modules/auth-gssapi/principal.h"

#include <gtest/gtest.h>

#include "modules/auth-gssapi/acceptor.h"
#include "modules/auth-gssapi/keytab.h"

namespace rondel::modules::auth_gssapi {
namespace {

using store::UserKey;

TEST(Principal, OnlyAPlainNameOfTheRealmIsALocalPart) {
  EXPECT_EQ(local_of_realm("romeo@EXAMPLE.ORG", "EXAMPLE.ORG"), "romeo");
  for (const char* other :
       {"romeo@EXAMPLE.NET", "romeo@example.org", "romeo/admin@EXAMPLE.ORG", "@EXAMPLE.ORG",
        "romeo", "", "ro\\@x@EXAMPLE.ORG", "ro\\/x@EXAMPLE.ORG", "romeo@EXAMPLE.ORG@EXAMPLE.ORG",
        "WELLKNOWN/ANONYMOUS@EXAMPLE.ORG", "romeo@EXAMPLE.ORGX", "romeo@"}) {
    EXPECT_EQ(local_of_realm(other, "EXAMPLE.ORG"), std::nullopt) << other;
  }
  EXPECT_EQ(local_of_realm("romeo@", ""), std::nullopt);
}

TEST(Principal, OfSeveralOwnersTheAuthzidChooses) {
  const std::vector<UserKey> two{{"a", "example.org"}, {"b", "example.org"}};
  EXPECT_EQ(choose_owner(two, "b@example.org"), "b");
  EXPECT_EQ(choose_owner(two, "B@Example.ORG"), "b");
  for (const char* none :
       {"", "c@example.org", "b@example.net", "b", "b@example.org/x", "@", "example.org"}) {
    EXPECT_EQ(choose_owner(two, none), std::nullopt) << none;
  }
  EXPECT_EQ(choose_owner({two[0]}, ""), "a");
  EXPECT_EQ(choose_owner({two[0]}, "b@example.org"), "a") << "the core refuses that authzid";
  EXPECT_EQ(choose_owner({}, "a@example.org"), std::nullopt);
}

TEST(Keytab, AServiceIsItsNameInAnyRealmUnlessOneIsNamed) {
  const Service any{"", "xmpp/example.org"};
  EXPECT_TRUE(any.is("xmpp/example.org@A"));
  for (const char* other :
       {"xmpp/example.org", "xmpp/example.org@", "xmpp/example.orgx@A", "host/example.org@A",
        "xmpp/example.org/x@A", "XMPP/example.org@A", ""}) {
    EXPECT_FALSE(any.is(other)) << other;
  }
  const Service one{"", "xmpp/example.org@A"};
  EXPECT_TRUE(one.is("xmpp/example.org@A"));
  EXPECT_FALSE(one.is("xmpp/example.org@B"));
}

TEST(Keytab, AServiceIsItsDomainBasedNameAsWell) {
  const Service both{"", "xmpp/example.org", "xmpp/chat1.example.org/example.org", false};
  EXPECT_TRUE(both.is("xmpp/example.org@A"));
  EXPECT_TRUE(both.is("xmpp/chat1.example.org/example.org@A"));
  for (const char* other :
       {"xmpp/chat1.example.org@A", "xmpp/chat2.example.org/example.org@A",
        "xmpp/chat1.example.org/example.net@A", "xmpp/example.org/chat1.example.org@A",
        "host/chat1.example.org/example.org@A", "xmpp/chat1.example.org/example.org"}) {
    EXPECT_FALSE(both.is(other)) << other;
  }
}

TEST(Keytab, OneThatIsMissingIsASentenceWithTheWayOut) {
  const auto checked = check_keytab_blocking({"/nonexistent.keytab", "xmpp/example.org"});
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().message,
            "cannot use the keytab /nonexistent.keytab: No such file or directory; `kadmin -q "
            "'ktadd -k /nonexistent.keytab xmpp/example.org'` makes it, and the server's user must "
            "be able to read it");
  EXPECT_FALSE(check_keytab_blocking({"/dev/null", "xmpp/example.org"}).has_value());
}

TEST(Acceptor, WithoutAKeytabNothingCanBeSaidOfATicket) {
  Acceptor acceptor({"/nonexistent.keytab", "xmpp/example.org"}, "/nonexistent/rcache", "");
  const auto answer = acceptor.accept_blocking("x");
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().failure, xmpp::SaslFailure::temporary_auth_failure);
  EXPECT_FALSE(acceptor.is_established());
}

}  // namespace
}  // namespace rondel::modules::auth_gssapi
