// Groups of a real directory, as a storage gives them.
#include "modules/store-ldap/groups.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <gmock/gmock.h>
#include <optional>
#include <thread>

#include "modules/store-ldap/ldap_storage.h"
#include "modules/store-ldap/member_table.h"
#include "tests/modules_store_ldap/test_directory.h"
#include "tests/store/storage_conformance.h"

namespace rondel::modules::store_ldap {
namespace {

using store::test::outcome_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kHost = "example.org";

/// A storage with groups below the hosts' users, and a shard's way into it.
class OpenedGroups {
 public:
  explicit OpenedGroups(LdapOptions options) : storage_(with_base(std::move(options))) {
    EXPECT_TRUE(storage_.open_blocking().has_value());
    session_ = storage_.attach(shard_);
  }
  ~OpenedGroups() {
    storage_.close_blocking();
    shard_.run_ready();
  }

  StoreResult<std::shared_ptr<const store::HostGroups>> load(const char* host = kHost) {
    return shard_.get_blocking(session_->groups()->load(host));
  }
  /// "jid(name)=group,group" of each contact.
  std::vector<std::string> contacts(std::string_view local, const char* host = kHost) {
    const auto groups = load(host);
    EXPECT_EQ(outcome_of(groups), "ok");
    std::vector<std::string> all;
    for (const store::GroupContact& contact : (*groups)->contacts_of(local)) {
      std::string text = contact.jid + "(" + contact.name + ")=";
      for (const std::string& group : contact.groups) {
        text += (text.back() == '=' ? "" : ",") + group;
      }
      all.push_back(std::move(text));
    }
    return all;
  }
  store::GroupStore* groups() { return session_->groups(); }
  store::UserStore& users() { return *session_->users(); }
  template <class T>
  T get(base::Task<T> task) {
    return shard_.get_blocking(std::move(task));
  }

 private:
  static LdapOptions with_base(LdapOptions options) {
    for (HostDirectory& host : options.hosts) {
      host.group_base = host.base;
    }
    return options;
  }

  store::test::TestExecutor shard_;
  LdapStorage storage_;
  std::unique_ptr<store::StorageSession> session_;
};

class LdapGroups : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = TestDirectory::start_blocking();
    if (!directory_) {
      ASSERT_EQ(std::getenv("CI"), nullptr) << "slapd is missing, and CI must not skip";
      GTEST_SKIP() << "slapd is missing";
    }
  }
  /// Users of the host with names like "The romeo".
  void add(const std::vector<std::string>& locals, const std::string& host = kHost) {
    std::string ldif;
    for (const std::string& local : locals) {
      ldif += person("The " + local, host, {{"uid", local}});
    }
    directory_->add(ldif);
  }
  static std::string the(const std::string& local, const std::string& host = kHost) {
    return dn("The " + local, host);
  }

  std::unique_ptr<TestDirectory> directory_;
};

TEST_F(LdapGroups, MembersByTheirEntriesAreContactsOfEachOther) {
  add({"romeo", "juliet", "nurse"});
  directory_->add(group("Verona", kHost, {the("romeo"), the("juliet")}) +
                  group("Capulet", kHost, {the("nurse"), the("juliet")}));
  OpenedGroups ldap(directory_->options());
  EXPECT_THAT(ldap.contacts("juliet"), ElementsAre("nurse@example.org(The nurse)=Capulet",
                                                   "romeo@example.org(The romeo)=Verona"));
  EXPECT_THAT(ldap.contacts("romeo"), ElementsAre("juliet@example.org(The juliet)=Verona"));
  EXPECT_EQ(ldap.groups()->refresh_interval(kHost), std::chrono::minutes(5));
  EXPECT_EQ(ldap.groups()->refresh_interval("elsewhere.example"), std::nullopt);
}

TEST_F(LdapGroups, MembersByTheirNamesAreToo) {
  add({"romeo", "juliet"});
  directory_->add(
      "dn: cn=verona,ou=example.org,dc=example,dc=org\nobjectClass: posixGroup\ncn: verona\n"
      "gidNumber: 7\nmemberUid: romeo\nmemberUid: Juliet\nmemberUid: nobody\n"
      "memberUid: romeo@example.net\nmemberUid: a@b@c\nmemberUid: *\n");
  LdapOptions options = directory_->options();
  options.hosts[0].group_filter = "(objectClass=posixGroup)";
  options.hosts[0].group_member_attribute = "memberUid";
  options.hosts[0].group_members = Members::name;
  OpenedGroups ldap(options);
  EXPECT_THAT(ldap.contacts("romeo"), ElementsAre("juliet@example.org(The juliet)=verona"));
  EXPECT_EQ((*ldap.load())->user_count(), 2u);
}

TEST_F(LdapGroups, WhoIsNoUserOfTheHostIsNoMember) {
  add({"romeo", "juliet"});
  add({"tybalt"}, "example.net");
  directory_->add(group("inner", kHost, {the("romeo")}));
  directory_->add(group("mixed", kHost,
                        {the("romeo"), the("juliet"), the("tybalt", "example.net"), kReader,
                         dn("nobody", kHost), dn("inner", kHost)}));
  OpenedGroups ldap(directory_->options());
  EXPECT_THAT(ldap.contacts("romeo"), ElementsAre("juliet@example.org(The juliet)=mixed"));
  EXPECT_EQ((*ldap.load())->user_count(), 2u);
  EXPECT_THAT(ldap.contacts("tybalt", "example.net"), IsEmpty());
}

TEST_F(LdapGroups, WhoHasTwoEntriesIsInNoGroup) {
  add({"romeo", "juliet", "nurse"});
  directory_->add(person("other romeo", kHost, {{"uid", "romeo"}}));
  directory_->add(group("all", kHost, {the("romeo"), the("juliet"), the("nurse")}));
  OpenedGroups ldap(directory_->options());
  EXPECT_THAT(ldap.contacts("juliet"), ElementsAre("nurse@example.org(The nurse)=all"));
  EXPECT_THAT(ldap.contacts("romeo"), IsEmpty());
}

TEST_F(LdapGroups, OddNamesAreFoundAndNothingIsAFilter) {
  const std::vector<std::string> odd{"*",     "*)(uid=*", "ohara(x)", "a\\b",
                                     "naïve", "%u",       "a,b",      "1+1"};
  std::string ldif;
  std::vector<std::string> members;
  int number = 0;
  for (const std::string& local : odd) {
    const std::string name = "number " + std::to_string(++number);
    ldif += person(name, kHost, {{"uid", local}});
    members.push_back(dn(name, kHost));
  }
  directory_->add(ldif);
  directory_->add(group("odd", kHost, members));
  directory_->modify("dn: " + dn("odd", kHost) +
                     "\nchangetype: modify\nadd: description\ndescription: (*) & <all>\n");
  LdapOptions options = directory_->options();
  options.hosts[0].group_name_attribute = "description";
  OpenedGroups ldap(options);
  std::vector<std::string> seen;
  for (const std::string& contact : ldap.contacts("*")) {
    EXPECT_THAT(contact, HasSubstr("=(*) & <all>"));
    seen.push_back(contact.substr(0, contact.rfind("@example.org")));
  }
  std::vector<std::string> others(odd.begin() + 1, odd.end());
  EXPECT_THAT(seen, testing::UnorderedElementsAreArray(others));
}

TEST_F(LdapGroups, AChangeIsSeenAndWhereThereIsNoneTheObjectIsTheSame) {
  add({"romeo", "juliet", "nurse"});
  directory_->add(group("Verona", kHost, {the("romeo"), the("juliet")}));
  OpenedGroups ldap(directory_->options());
  const auto first = *ldap.load();
  EXPECT_EQ(*ldap.load(), first);
  directory_->modify("dn: " + dn("Verona", kHost) + "\nchangetype: modify\nadd: member\nmember: " +
                     the("nurse") + "\n-\ndelete: member\nmember: " + the("juliet") + "\n");
  EXPECT_THAT(ldap.contacts("romeo"), ElementsAre("nurse@example.org(The nurse)=Verona"));
  EXPECT_NE(*ldap.load(), first);
  EXPECT_THAT(first->contacts_of("romeo"), SizeIs(1)) << "it never changes";
  directory_->tell("delete " + the("nurse"));
  EXPECT_THAT(ldap.contacts("romeo"), IsEmpty());
  directory_->tell("delete " + dn("Verona", kHost));
  EXPECT_EQ((*ldap.load())->group_count(), 0u);
}

TEST_F(LdapGroups, ManyAreReadByPagesAndALargeOneCountsForNobody) {
  std::vector<std::string> locals;
  std::vector<std::string> members;
  for (int i = 0; i < 450; ++i) {
    locals.push_back("user" + std::to_string(i));
    members.push_back(the(locals.back()));
  }
  add(locals);
  std::string ldif = group("all of them", kHost, members);
  for (int i = 0; i < 300; ++i) {
    ldif += group("pair " + std::to_string(i), kHost,
                  {members[0], members[static_cast<std::size_t>(i) + 1]});
  }
  directory_->add(ldif);
  LdapOptions options = directory_->options();
  options.hosts[0].group_members_max = 449;
  OpenedGroups ldap(options);
  EXPECT_THAT(ldap.contacts("user0"), SizeIs(64)) << "as many groups as one user may be in";
  EXPECT_THAT(ldap.contacts("user449"), IsEmpty());
  options.hosts[0].group_members_max = 450;
  OpenedGroups larger(options);
  EXPECT_THAT(larger.contacts("user449"), SizeIs(449));
}

TEST_F(LdapGroups, AHundredThousandUsersInAThousandGroupsAreReadInTime) {
  std::string ldif;
  for (int i = 0; i < 1000; ++i) {
    std::vector<std::string> members;
    for (int j = 0; j < 100; ++j) {
      const std::string local = "user" + std::to_string(i * 100 + j);
      ldif += person("The " + local, kHost, {{"uid", local}});
      members.push_back(the(local));
    }
    ldif += group("group " + std::to_string(i), kHost, members);
  }
  directory_->load(ldif);
  OpenedGroups ldap(directory_->options());
  const auto start = std::chrono::steady_clock::now();
  const auto groups = ldap.load();
  const auto took = std::chrono::steady_clock::now() - start;
  ASSERT_EQ(outcome_of(groups), "ok");
  EXPECT_EQ((*groups)->user_count(), 100'000u);
  EXPECT_THAT((*groups)->contacts_of("user99999"), SizeIs(99));
  EXPECT_LT(took, std::chrono::seconds(60));
  RecordProperty("read_ms", static_cast<int>(took / std::chrono::milliseconds(1)));
}

TEST_F(LdapGroups, AnOutageIsUnavailableAndPasses) {
  add({"romeo", "juliet"});
  directory_->add(group("Verona", kHost, {the("romeo"), the("juliet")}));
  OpenedGroups ldap(directory_->options());
  const auto first = *ldap.load();
  directory_->tell("stop");
  EXPECT_EQ(outcome_of(ldap.load()), "unavailable");
  directory_->tell("start");
  std::string outcome = "unavailable";
  for (int i = 0; i < 400 && outcome == "unavailable"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
    outcome = outcome_of(ldap.load());
  }
  EXPECT_EQ(outcome, "ok");
  EXPECT_EQ(*ldap.load(), first);
}

TEST_F(LdapGroups, NoLoginWaitsForThem) {
  add({"romeo", "juliet"});
  directory_->add(group("Verona", kHost, {the("romeo"), the("juliet")}));
  directory_->tell("relay late 0.05");
  LdapOptions options = directory_->options();
  options.connection.servers = {directory_->relay_uri()};
  options.connections = 1;
  OpenedGroups ldap(options);
  std::vector<std::optional<StoreResult<std::shared_ptr<const store::HostGroups>>>> loads(20);
  for (auto& groups : loads) {
    store::test::TestExecutor::start(ldap.groups()->load(kHost), groups);
  }
  ASSERT_EQ(outcome_of(ldap.get(ldap.users().lookup({"romeo", kHost}))), "ok");
  EXPECT_FALSE(loads.back().has_value()) << "who asked later was answered later";
  directory_->tell("relay pass");
  ASSERT_EQ(outcome_of(ldap.load()), "ok");
  EXPECT_TRUE(loads.back().has_value());
}

TEST_F(LdapGroups, WithoutABaseThereAreNone) {
  LdapStorage storage(directory_->options());
  ASSERT_TRUE(storage.open_blocking().has_value());
  store::test::TestExecutor shard;
  const auto session = storage.attach(shard);
  EXPECT_EQ(session->groups(), nullptr);
  storage.close_blocking();
}

TEST_F(LdapGroups, ABaseThatIsNotThereIsUnavailable) {
  LdapOptions options = directory_->options();
  options.hosts[0].base = "ou=nowhere,dc=example,dc=org";
  OpenedGroups ldap(options);
  EXPECT_EQ(outcome_of(ldap.load()), "unavailable");
  EXPECT_EQ(outcome_of(ldap.load("example.net")), "ok");
  EXPECT_EQ(outcome_of(ldap.load("elsewhere.example")), "unavailable");
}

TEST(ComparableDn, IsTheSameForTheSameEntry) {
  const std::string romeo = comparable_dn("cn=The romeo,ou=example.org,dc=example,dc=org");
  ASSERT_NE(romeo, "");
  for (const char* same : {"CN=The Romeo,OU=Example.org,DC=example,DC=org",
                           "cn = The romeo , ou = example.org , dc = example , dc = org",
                           "cn=The  romeo,ou=example.org,dc=example,dc=org",
                           "cn=\\54he romeo,ou=example\\2Eorg,dc=example,dc=org"}) {
    EXPECT_EQ(comparable_dn(same), romeo) << same;
  }
  EXPECT_EQ(comparable_dn("cn=a\\, b,dc=x"), comparable_dn("cn=a\\2c b,dc=x"));
  for (const char* other : {"cn=Theromeo,ou=example.org,dc=example,dc=org", "cn=The romeo",
                            "cn=a\\, b,dc=x", "cn=The romeo,ou=example.org,dc=example,dc=com"}) {
    EXPECT_NE(comparable_dn(other), romeo) << other;
  }
  for (const char* none : {"", "romeo", "cn=a,b", "=x", "cn=a\\"}) {
    EXPECT_EQ(comparable_dn(none), "") << none;
  }
}

TEST(MemberTable, DoesNotTakeAPartOfAGroupForAllOfIt) {
  HostDirectory host;
  host.host = kHost;
  MemberTable table(host);
  Entry entry{"cn=g", {{"cn", {"g"}}, {"member", {}}, {"member;range=0-1499", {"cn=a", "cn=b"}}}};
  EXPECT_TRUE(table.add_group(entry));
  EXPECT_THAT(table.finish().cut_off, ElementsAre("g"));
}

TEST(MemberTable, TakesNoMoreMembershipsThanItMay) {
  HostDirectory host;
  host.host = kHost;
  host.group_members = Members::name;
  MemberTable table(host);
  const Entry entry{"cn=g", {{"cn", {"g"}}, {"member", std::vector<std::string>(100'000, "a")}}};
  for (std::size_t i = 0; i < kMembershipsMax / 100'000; ++i) {
    EXPECT_TRUE(table.add_group(entry));
  }
  EXPECT_FALSE(table.add_group(entry));
}

}  // namespace
}  // namespace rondel::modules::store_ldap
