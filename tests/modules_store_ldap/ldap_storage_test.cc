// What only a directory can do: answer late, twice, with two entries, over TLS, from several
// servers.
#include "modules/store-ldap/ldap_storage.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <map>
#include <thread>

#include "base/encoding.h"
#include "modules/store-ldap/entry_reader.h"
#include "tests/modules_store_ldap/test_directory.h"
#include "tests/store/storage_conformance.h"

namespace rondel::modules::store_ldap {
namespace {

using std::chrono::milliseconds;
using store::Binding;
using store::BindingKind;
using store::UserKey;
using store::test::outcome_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const UserKey kJuliet{"juliet", "example.org"};
const UserKey kRomeo{"romeo", "example.org"};

/// An opened storage with a shard's way into it.
class Opened {
 public:
  explicit Opened(const LdapOptions& options) : storage_(options) {
    opened_ = storage_.open_blocking();
    if (opened_) {
      session_ = storage_.attach(shard_);
    }
  }
  ~Opened() {
    storage_.close_blocking();
    shard_.run_ready();
  }

  [[nodiscard]] const StoreResult<void>& opened() const { return opened_; }
  store::UserStore& users() { return *session_->users(); }
  template <class T>
  T get(base::Task<T> task) {
    return shard_.get_blocking(std::move(task));
  }
  std::string lookup(const UserKey& user) { return outcome_of(get(users().lookup(user))); }
  std::string check(const UserKey& user, const std::string& password) {
    const auto checked = get(users().check_password(user, password));
    return checked ? (*checked ? "right" : "wrong") : outcome_of(checked);
  }
  std::string lookup_patiently(const UserKey& user) {
    std::string outcome = lookup(user);
    for (int i = 0; i < 200 && outcome == "unavailable"; ++i) {
      std::this_thread::sleep_for(milliseconds(20));
      outcome = lookup(user);
    }
    return outcome;
  }
  LdapStorage& storage() { return storage_; }

 private:
  LdapStorage storage_;
  StoreResult<void> opened_;
  store::test::TestExecutor shard_;
  std::unique_ptr<store::StorageSession> session_;
};

/// The certificate in a PEM file.
std::string der_of(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  for (std::string line; std::getline(file, line);) {
    text += line.starts_with("-----") ? "" : line;
  }
  return base::base64_decode(text).value();
}

class Ldap : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = TestDirectory::start_blocking();
    if (!directory_) {
      ASSERT_EQ(std::getenv("CI"), nullptr) << "slapd is missing, and CI must not skip";
      GTEST_SKIP() << "slapd is missing (apt-get install slapd ldap-utils)";
    }
    directory_->add(person("Juliet", "example.org", {{"uid", "juliet"}, {"userPassword", "j"}}) +
                    person("Romeo", "example.org", {{"uid", "Romeo"}, {"userPassword", "r"}}));
  }
  LdapOptions relayed() const {
    LdapOptions options = directory_->options();
    options.connections = 1;
    options.connection.servers = {directory_->relay_uri()};
    options.connection.operation_timeout = milliseconds(500);
    return options;
  }

  std::unique_ptr<TestDirectory> directory_;
};

TEST_F(Ldap, NamesArePreparedBeforeTheyAreCompared) {
  Opened ldap(directory_->options());
  EXPECT_EQ(ldap.lookup(kRomeo), "ok");
  EXPECT_EQ(ldap.get(ldap.users().lookup(kRomeo))->user.local, "romeo");
}

TEST_F(Ldap, TwoEntriesForOneUserAreNobodyAndBothAreNamed) {
  directory_->add(
      person("Another Juliet", "example.org", {{"uid", "Juliet"}, {"userPassword", "x"}}));
  Opened ldap(directory_->options());
  const auto found = ldap.get(ldap.users().lookup(kJuliet));
  ASSERT_EQ(outcome_of(found), "unavailable");
  EXPECT_THAT(found.error().message, HasSubstr("cn=Another Juliet"));
  EXPECT_THAT(found.error().message, HasSubstr("cn=Juliet"));
  EXPECT_EQ(ldap.check(kJuliet, "j"), "unavailable");
  EXPECT_EQ(ldap.check(kJuliet, "x"), "unavailable");
  EXPECT_EQ(ldap.check(kRomeo, "r"), "right");
}

TEST_F(Ldap, ManyEntriesForOneUserAreNobodyToo) {
  std::string ldif;
  for (int i = 0; i < 20; ++i) {
    ldif += person("x" + std::to_string(i), "example.org", {{"uid", "many"}});
  }
  directory_->add(ldif);
  Opened ldap(directory_->options());
  EXPECT_EQ(ldap.lookup({"many", "example.org"}), "unavailable");
}

TEST_F(Ldap, AnAnswerThatComesLateIsUnavailableAndHoldsNobodyElseUp) {
  Opened ldap(relayed());
  ASSERT_EQ(ldap.lookup(kJuliet), "ok");
  directory_->tell("relay late 5");
  auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(ldap.lookup(kJuliet), "unavailable");
  EXPECT_LT(std::chrono::steady_clock::now() - began, milliseconds(2500));
  // The next ones don't wait in line for the same.
  began = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(ldap.check(kRomeo, "r"), "unavailable");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, milliseconds(2500));
  directory_->tell("relay pass");
  EXPECT_EQ(ldap.lookup_patiently(kJuliet), "ok");
  EXPECT_EQ(ldap.check(kJuliet, "j"), "right");
  EXPECT_EQ(ldap.check(kJuliet, "r"), "wrong");
}

TEST_F(Ldap, AServerThatSaysNothingIsUnavailable) {
  directory_->tell("relay silent");
  Opened ldap(relayed());
  ASSERT_TRUE(ldap.opened().has_value()) << ldap.opened().error().message;
  EXPECT_EQ(ldap.lookup(kJuliet), "unavailable");
  EXPECT_THAT(ldap.storage().status(), HasSubstr("down"));
  directory_->tell("relay pass");
  EXPECT_EQ(ldap.lookup_patiently(kJuliet), "ok");
}

TEST_F(Ldap, AnswersThatComeTwiceAreTakenOnce) {
  Opened ldap(relayed());
  ASSERT_EQ(ldap.lookup(kJuliet), "ok");
  directory_->tell("relay twice");
  // Every message twice: also the entry, so that there are two for the user.
  EXPECT_EQ(ldap.check(kJuliet, "j"), "unavailable");
  directory_->tell("relay pass");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ldap.lookup_patiently(kJuliet), "ok");
    EXPECT_EQ(ldap.check(kJuliet, "x"), "wrong");
    EXPECT_EQ(ldap.check(kJuliet, "j"), "right");
    EXPECT_EQ(ldap.lookup_patiently({"nobody", "example.org"}), "not_found");
  }
}

TEST_F(Ldap, TheSecondAnswerToABindIsNotTheAnswerToTheNext) {
  Opened ldap(relayed());
  ASSERT_EQ(ldap.check(kJuliet, "j"), "right");
  directory_->tell("relay twice");
  for (int i = 0; i < 5; ++i) {
    // Nobody's search has no entry; the answers to both questions come twice.
    EXPECT_EQ(ldap.check({"nobody", "example.org"}, "j"), "wrong");
  }
  directory_->tell("relay pass");
  EXPECT_EQ(ldap.check(kJuliet, "x"), "wrong");
  EXPECT_EQ(ldap.check(kJuliet, "j"), "right");
}

TEST_F(Ldap, HalfAnAnswerIsUnavailable) {
  Opened ldap(relayed());
  ASSERT_EQ(ldap.lookup(kJuliet), "ok");
  directory_->tell("relay half");
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(ldap.lookup(kJuliet), "unavailable");
  EXPECT_LT(std::chrono::steady_clock::now() - began, milliseconds(3000));
  directory_->tell("relay pass");
  EXPECT_EQ(ldap.lookup_patiently(kJuliet), "ok");
}

TEST_F(Ldap, AConnectionThatBreaksIsUnavailableOnlyIfANewOneBreaksToo) {
  Opened ldap(relayed());
  ASSERT_EQ(ldap.check(kJuliet, "j"), "right");
  directory_->tell("relay cut");
  EXPECT_EQ(ldap.lookup(kJuliet), "unavailable");
  directory_->tell("relay pass");
  EXPECT_EQ(ldap.lookup_patiently(kJuliet), "ok");
  // The server closes all connections while nothing is asked; the next question doesn't notice.
  directory_->tell("stop");
  directory_->tell("start");
  EXPECT_EQ(ldap.lookup(kJuliet), "ok");
  EXPECT_EQ(ldap.check(kJuliet, "j"), "right");
}

TEST_F(Ldap, TheNextServerIsAskedWhileOneIsAway) {
  LdapOptions options = directory_->options();
  options.connection.servers = {"ldap://127.0.0.1:1", directory_->relay_uri(), directory_->uri()};
  options.connection.operation_timeout = milliseconds(500);
  Opened ldap(options);
  EXPECT_EQ(ldap.lookup(kJuliet), "ok");
  directory_->tell("relay cut");
  EXPECT_EQ(ldap.lookup_patiently(kJuliet), "ok");
  EXPECT_EQ(ldap.check(kJuliet, "j"), "right");
  EXPECT_THAT(ldap.storage().status(), HasSubstr("ldap://127.0.0.1:1 down"));
}

TEST_F(Ldap, TlsIsUpBeforeAPasswordIsSent) {
  for (const std::string& uri : {directory_->uri(), directory_->tls_uri()}) {
    LdapOptions options = directory_->options();
    options.connection.servers = {uri};
    options.connection.has_starttls = true;
    options.connection.tls_ca = directory_->file("ca.crt");
    Opened ldap(options);
    EXPECT_EQ(ldap.lookup(kJuliet), "ok") << uri;
    EXPECT_EQ(ldap.check(kJuliet, "j"), "right") << uri;
    EXPECT_EQ(ldap.check(kJuliet, "x"), "wrong") << uri;
  }
}

TEST_F(Ldap, AServerThatNobodyVouchesForHearsNothing) {
  for (const std::string& uri : {directory_->uri(), directory_->tls_uri()}) {
    for (const std::string& authorities :
         {directory_->file("other.crt"), std::string(), directory_->file("nothing.crt")}) {
      LdapOptions options = directory_->options();
      options.connection.servers = {uri};
      options.connection.has_starttls = true;
      options.connection.tls_ca = authorities;
      Opened ldap(options);
      EXPECT_EQ(ldap.lookup(kJuliet), "unavailable") << uri << " " << authorities;
    }
  }
}

TEST_F(Ldap, AServiceAccountThatIsRefusedEndsTheStartWithASentence) {
  LdapOptions options = directory_->options();
  options.connection.bind_dn = "cn=nobody,dc=example,dc=org";
  Opened refused(options);
  ASSERT_FALSE(refused.opened().has_value());
  EXPECT_EQ(refused.opened().error().failure, store::Failure::invalid);
  EXPECT_THAT(refused.opened().error().message, HasSubstr("cn=nobody,dc=example,dc=org"));
  options.connection.bind_dn.clear();
  EXPECT_FALSE(Opened(options).opened().has_value()) << "a password for nobody";
}

TEST(LdapOptions, WithoutAServerOrAHostNothingStarts) {
  LdapOptions options;
  Opened nothing(options);
  ASSERT_FALSE(nothing.opened().has_value());
  EXPECT_THAT(nothing.opened().error().message, HasSubstr("servers"));
  options.connection.servers = {"ldap://127.0.0.1:1"};
  Opened nowhere(options);
  ASSERT_FALSE(nowhere.opened().has_value());
  EXPECT_THAT(nowhere.opened().error().message, HasSubstr("base"));
}

TEST_F(Ldap, AHostWithoutABaseIsUnavailable) {
  Opened ldap(directory_->options());
  EXPECT_EQ(ldap.lookup({"juliet", "elsewhere.org"}), "unavailable");
}

TEST_F(Ldap, ABaseThatIsNotThereIsUnavailableAndNotNobody) {
  LdapOptions options = directory_->options();
  options.hosts[0].base = "ou=missing,dc=example,dc=org";
  Opened ldap(options);
  EXPECT_EQ(ldap.lookup(kJuliet), "unavailable");
}

TEST_F(Ldap, CertificatesAreFoundByFingerprintAndLoseTheirMeaningAtOnce) {
  const std::string der = der_of(directory_->file("server.crt"));
  directory_->add(
      person("Cert", "example.org", {{"uid", "cert"}, {"userCertificate;binary", der}}));
  Opened ldap(directory_->options());
  const Binding binding(BindingKind::certificate_fingerprint, fingerprint_of(der));
  const UserKey cert("cert", "example.org");
  EXPECT_THAT(*ldap.get(ldap.users().find_bound("example.org", binding)), ElementsAre(cert));
  EXPECT_THAT(*ldap.get(ldap.users().find_bound("example.net", binding)), IsEmpty());
  EXPECT_THAT(ldap.get(ldap.users().credentials(cert))->credentials.bindings, ElementsAre(binding));
  directory_->modify(
      "dn: cn=Cert,ou=example.org,dc=example,dc=org\nchangetype: modify\n"
      "delete: userCertificate;binary\n");
  EXPECT_THAT(*ldap.get(ldap.users().find_bound("example.org", binding)), IsEmpty());
  const Binding other(BindingKind::certificate_fingerprint, std::string(64, '0'));
  EXPECT_THAT(*ldap.get(ldap.users().find_bound("example.org", other)), IsEmpty());
}

TEST_F(Ldap, NamesOfCertificatesAreFoundInTheirAttributesOnly) {
  directory_->add(person("N", "example.org",
                         {{"uid", "n"},
                          {"mail", "n*@example.org"},
                          {"displayName", "Romeo (M.)"},
                          {"xmppAddress", "N@Example.org"}}) +
                  person("M", "example.org", {{"uid", "m"}, {"displayName", "romeo (m.)"}}));
  Opened ldap(directory_->options());
  const auto owners = [&](const std::string& name) {
    std::vector<std::string> locals;
    const auto found = ldap.get(
        ldap.users().find_bound("example.org", Binding(BindingKind::certificate_name, name)));
    EXPECT_EQ(outcome_of(found), "ok") << name;
    for (const UserKey& user : found.value_or(std::vector<UserKey>())) {
      locals.push_back(user.local);
    }
    return locals;
  };
  EXPECT_THAT(owners("email:n*@example.org"), ElementsAre("n"));
  EXPECT_THAT(owners("cn:Romeo (M.)"), ElementsAre("n"));
  EXPECT_THAT(owners("xmpp:n@example.org"), ElementsAre("n"));
  for (const char* none : {"email:*", "email:n*", "cn:*", "cn:Romeo (M.)*", "cn:*)(uid=*",
                           "xmpp:*@example.org", "cn:ROMEO (M.)", "email:n@example.org"}) {
    EXPECT_THAT(owners(none), IsEmpty()) << none;
  }
}

TEST_F(Ldap, OneBindingOfTwoAccountsNamesBoth) {
  directory_->add(person("A", "example.org", {{"uid", "a"}, {"krbPrincipalName", "x@R"}}) +
                  person("B", "example.org", {{"uid", "b"}, {"krbPrincipalName", "x@R"}}));
  Opened ldap(directory_->options());
  EXPECT_THAT(*ldap.get(ldap.users().find_bound("example.org", {BindingKind::principal, "x@R"})),
              ElementsAre(UserKey("a", "example.org"), UserKey("b", "example.org")));
}

TEST_F(Ldap, NamesOfNobodyTakeAsLongAsWrongPasswords) {
  // What slappasswd -h {ARGON2} makes of "secret": the directory computes for a while.
  directory_->tell("argon");
  Opened ldap(directory_->options());
  ASSERT_EQ(ldap.check({"argon", "example.org"}, "secret"), "right");
  std::map<std::string, std::vector<double>> times;
  for (int i = 0; i < 21; ++i) {  // In turn, so that a busy machine disturbs both alike.
    for (const char* local : {"argon", "nobody"}) {
      const auto began = std::chrono::steady_clock::now();
      EXPECT_EQ(ldap.check({local, "example.org"}, "wrong"), "wrong");
      times[local].push_back(
          std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    }
  }
  for (auto& [local, taken] : times) {
    std::ranges::sort(taken);
  }
  const double known = times["argon"][10];
  const double unknown = times["nobody"][10];
  EXPECT_GT(unknown, known * 0.5);
  EXPECT_LT(unknown, known * 2);
}

}  // namespace
}  // namespace rondel::modules::store_ldap
