#include "modules/store-ldap/filter.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modules/store-ldap/entry_reader.h"
#include "modules/store-ldap/ldap_options.h"

namespace rondel::modules::store_ldap {
namespace {

TEST(Filter, EverythingThatMeansSomethingIsEscaped) {
  EXPECT_EQ(escape_filter_value("romeo"), "romeo");
  EXPECT_EQ(escape_filter_value("*"), "\\2a");
  EXPECT_EQ(escape_filter_value("(|(uid=*))"), "\\28|\\28uid=\\2a\\29\\29");
  EXPECT_EQ(escape_filter_value("a\\2ab"), "a\\5c2ab");
  EXPECT_EQ(escape_filter_value(std::string("a\0b", 3)), "a\\00b");
  EXPECT_EQ(escape_filter_value(" ü\n"), "\\20\\c3\\bc\\0a");
  EXPECT_EQ(escape_filter_value("\xff"), "\\ff");
}

TEST(Filter, NoByteOfAValueCanEndIt) {
  std::string all;
  for (int c = 0; c < 256; ++c) {
    all += static_cast<char>(c);
  }
  const std::string escaped = escape_filter_value(all);
  EXPECT_EQ(escaped.find_first_of(std::string("()*\0", 4)), std::string::npos);
  EXPECT_EQ(filter_equal("uid", all), "(uid=" + escaped + ")");
}

TEST(Filter, APatternTakesTheUserEscaped) {
  const store::UserKey user("a*)(b", "exa(mple.org");
  EXPECT_EQ(filter_of_user("(uid=%u)", user), "(uid=a\\2a\\29\\28b)");
  EXPECT_EQ(filter_of_user("(&(mail=%j)(ou=%h)(x=100%%))", user),
            "(&(mail=a\\2a\\29\\28b@exa\\28mple.org)(ou=exa\\28mple.org)(x=100%))");
  EXPECT_EQ(filter_of_user("(uid=%u)", store::UserKey("%u%h", "h")), "(uid=%u%h)");
  EXPECT_EQ(filter_of_all("(&(uid=%u)(mail=%j))", "h"), "(&(uid=*)(mail=*@h))");
}

TEST(Filter, OnlyFiltersThatNameTheUserAreTaken) {
  for (const char* good : {"(uid=%u)", "(&(objectClass=person)(uid=%u))", "(mail=%j)",
                           "(|(uid=%u)(mail=%j))", "(&(uid=%u)(!(a=TRUE)))"}) {
    EXPECT_EQ(check_user_filter(good), "") << good;
  }
  for (const char* bad : {"", "uid=%u", "(uid=%u", "(uid=%u))", "(uid=*)", "(uid=%x%u)",
                          "(uid=%u%)", "(uid=%u)(a=b)", "(%u)", "(&)(uid=%u)"}) {
    EXPECT_NE(check_user_filter(bad), "") << bad;
  }
  EXPECT_EQ(check_optional_filter("(userAccountControl:1.2.840.113556.1.4.803:=2)"), "");
  EXPECT_NE(check_optional_filter("TRUE"), "");
}

TEST(Filter, AttributesAreNames) {
  for (const char* good : {"uid", "userCertificate;binary", "x-y", "a1"}) {
    EXPECT_EQ(check_attribute(good), "") << good;
  }
  for (const char* bad : {"", "1a", "a b", "a)", "a=*)(b", "*", "a,b"}) {
    EXPECT_NE(check_attribute(bad), "") << bad;
  }
}

TEST(EntryReader, TimesOfTheDirectoryAreRead) {
  EXPECT_EQ(parse_generalized_time("19700101000001Z").time_since_epoch().count(), 1000);
  EXPECT_EQ(parse_generalized_time("20261122130733.123456Z"),
            parse_generalized_time("20261122130733Z"));
  for (const char* bad : {"", "2026", "20261322130733Z", "20261122250733Z", "20261122130733",
                          "2026-12-2130733Z", "abcdefghijklmnZ"}) {
    EXPECT_EQ(parse_generalized_time(bad).time_since_epoch().count(), 0) << bad;
  }
}

TEST(EntryReader, OneEntryMayBeSeveralUsersAndOnlyOfItsHost) {
  HostDirectory host;
  host.host = "example.org";
  const Entry entry{
      "cn=x",
      {{"UID", {"Romeo", "romeo", "juliet@example.org", "x@example.net", "a b", "", "a@b@c"}}}};
  EXPECT_EQ(locals_of(entry, host), (std::vector<std::string>{"juliet", "romeo"}));
}

TEST(EntryReader, BindingsAreReadFromTheirAttributes) {
  HostDirectory host;
  host.host = "example.org";
  host.principal_attribute = "krbPrincipalName";
  host.certificate_attribute = "userCertificate;binary";
  host.xmpp_attribute = "jid";
  host.email_attribute = "mail";
  const Entry entry{"cn=x",
                    {{"krbprincipalname", {"romeo@R", "no principal", "romeo@R"}},
                     {"userCertificate", {"abc"}},
                     {"jid", {"Romeo@Example.ORG", "@"}},
                     {"mail", {"R@X.org", std::string("a\0b", 3)}},
                     {"cn", {"Romeo"}}}};
  using store::Binding;
  using store::BindingKind;
  EXPECT_EQ(bindings_of(entry, host),
            (std::vector<Binding>{
                Binding(BindingKind::certificate_fingerprint,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
                Binding(BindingKind::certificate_name, "email:R@x.org"),
                Binding(BindingKind::certificate_name, "xmpp:romeo@example.org"),
                Binding(BindingKind::principal, "romeo@R")}));
}

TEST(PlainFilter, MayHoldAPercentSignAndNamesNobody) {
  for (const char* good : {"(objectClass=groupOfNames)", "(&(objectClass=posixGroup)(cn=chat-*))",
                           "(cn=100%)", "(cn=%u)"}) {
    EXPECT_EQ(check_plain_filter(good), "") << good;
  }
  for (const char* bad : {"", "objectClass=group", "(cn=a", "(&(cn=a)", "(cn=a))"}) {
    EXPECT_NE(check_plain_filter(bad), "") << bad;
  }
}

class Secret : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/rondel-secret-XXXXXX";
    const int fd = ::mkstemp(name);
    ASSERT_GE(fd, 0);
    ::close(fd);
    path_ = name;
  }
  void TearDown() override { ::unlink(path_.c_str()); }
  void write(const std::string& text) { std::ofstream(path_) << text; }
  std::string path_;
};

TEST_F(Secret, ComesFromTheFirstLineOfAFileThatOthersCannotRead) {
  write("se cret\r\nmore\n");
  EXPECT_EQ(read_secret_blocking({path_, "", ""}).value(), "se cret");
  ::chmod(path_.c_str(), 0640);
  const auto open = read_secret_blocking({path_, "", ""});
  ASSERT_FALSE(open.has_value());
  EXPECT_NE(open.error().message.find("chmod 0600"), std::string::npos);
  EXPECT_EQ(open.error().message.find("se cret"), std::string::npos);
}

TEST_F(Secret, MustNotBeEmptyOrComeFromTwoPlaces) {
  write("\n");
  EXPECT_FALSE(read_secret_blocking({path_, "", ""}).has_value());
  EXPECT_FALSE(read_secret_blocking({"/nonexistent/file", "", ""}).has_value());
  EXPECT_FALSE(read_secret_blocking({path_, "", "HOME"}).has_value());
  EXPECT_EQ(read_secret_blocking({}).value(), "");
}

TEST_F(Secret, ComesFromTheServiceManagerOrTheEnvironment) {
  write("from a credential");
  const std::size_t slash = path_.rfind('/');
  ::setenv("CREDENTIALS_DIRECTORY", path_.substr(0, slash).c_str(), 1);
  EXPECT_EQ(read_secret_blocking({"", path_.substr(slash + 1), ""}).value(), "from a credential");
  EXPECT_FALSE(read_secret_blocking({"", "../etc/passwd", ""}).has_value());
  ::unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_FALSE(read_secret_blocking({"", "x", ""}).has_value());
  ::setenv("RONDEL_TEST_SECRET", "from the environment", 1);
  EXPECT_EQ(read_secret_blocking({"", "", "RONDEL_TEST_SECRET"}).value(), "from the environment");
  ::unsetenv("RONDEL_TEST_SECRET");
  EXPECT_FALSE(read_secret_blocking({"", "", "RONDEL_TEST_SECRET"}).has_value());
}

}  // namespace
}  // namespace rondel::modules::store_ldap
