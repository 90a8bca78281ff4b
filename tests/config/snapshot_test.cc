// What a file means: defaults, precedence, paths, and the place that is nearest.
#include "config/snapshot.h"

#include <chrono>
#include <gmock/gmock.h>
#include <string>

#include "base/limits.h"
#include "config/bootstrap.h"
#include "tests/config/sample.h"

namespace rondel::config::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Defaults, OfTheServerAreThoseOfTheDesign) {
  const auto snapshot = expect_fine(kSmall);
  EXPECT_EQ(snapshot->server(), (ServerOptions{0, "/var/lib/rondel", "/run/rondel/control.sock"}));
  EXPECT_EQ(snapshot->log(), (LogOptions{LogTarget::standard_error, "", LogLevel::info}));
  EXPECT_EQ(snapshot->tls(), (TlsOptions{TlsRecords::automatic}));
  EXPECT_EQ(snapshot->modules_directory(), "/usr/lib/rondel/modules");
  EXPECT_EQ(snapshot->path(), kPath);
}

TEST(Defaults, OfModulesAreThoseOfTheDesign) {
  const auto found = bootstrap(Document::empty(), {});
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->modules_directory, "/usr/lib/rondel/modules");
  EXPECT_EQ(found->control_socket, "/run/rondel/control.sock");
  EXPECT_THAT(found->modules, ElementsAre("layer-tls", "store-sqlite", "auth-internal", "roster",
                                          "presence", "offline", "disco", "ping"));
}

TEST(Defaults, OfAHostAreEmpty) {
  const auto snapshot = expect_fine(kSmall + "[[host]]\nname = \"b.example\"\n");
  ASSERT_EQ(snapshot->hosts().size(), 2U);
  EXPECT_EQ(snapshot->hosts()[1], (HostOptions{.name = "b.example"}));
}

TEST(Defaults, OfAnInterfaceAreTheServersLimits) {
  const auto snapshot = expect_fine(kSmall);
  ASSERT_EQ(snapshot->interfaces().size(), 1U);
  InterfaceOptions expected;
  expected.name = "clients";
  expected.kind = "c2s";
  expected.listen = {*ListenAddress::parse("[::]:5222")};
  expected.tls = TlsMode::required;
  expected.records = TlsRecords::automatic;
  expected.hosts = {"example.org"};
  expected.auth = {"internal"};
  expected.log_level = LogLevel::info;
  expected.stanza_bytes_max = base::kClientLimits.stanza_bytes_max;
  expected.receive_rate = base::kReceiveBytesPerSecond;
  expected.receive_burst = base::kReceiveBurstBytes;
  expected.resources_max = base::kResourcesPerAccountMax;
  expected.connections_per_address_max = base::kConnectionsPerAddressMax;
  expected.authentication_deadline = base::Milliseconds(base::kAuthenticationDeadlineMs);
  expected.authentication_tries_max = base::kAuthenticationTriesMax;
  EXPECT_EQ(snapshot->interfaces()[0], expected);
}

TEST(Defaults, OfEveryCoreOptionAreAllowedByTheirOwnSchema) {
  for (const SectionSpec& section : core_sections()) {
    for (const OptionSpec& option : section.options) {
      const Value value = default_value(option);
      if (const auto* number = std::get_if<std::int64_t>(&value)) {
        EXPECT_GE(*number, option.minimum) << section.header << option.name;
        EXPECT_LE(*number, option.maximum) << section.header << option.name;
      }
      const auto* text = std::get_if<std::string>(&value);
      if (text != nullptr && !text->empty() && option.check != nullptr) {
        EXPECT_EQ(option.check(*text), "") << section.header << option.name;
      }
      if (option.check != nullptr) {
        EXPECT_NE(option.check(""), "") << section.header << option.name;
      }
      EXPECT_TRUE(option.doc.ends_with('.')) << section.header << option.name;
    }
  }
}

TEST(File, EveryCoreOptionReachesItsPlace) {
  const auto snapshot = expect_fine(R"(
[server]
threads = 3
data_dir = "data"
control_socket = "run/../control.sock"
[log]
destination = "file:/var/log/rondel.log"
level = "debug"
[tls]
records = "compact"
[modules]
directory = "/modules"
load = ["ping", "sample"]
[[host]]
name = "example.org"
certificate = "example.crt"
key = "/keys/example.key"
certificate_alternative = "rsa.crt"
key_alternative = "/keys/rsa.key"
ocsp_response = "example.ocsp"
modules_off = ["ping"]
[host.storage]
users = "ping"
offline = "sample"
groups = "sample"
[host.contact]
abuse = ["mailto:abuse@example.org"]
admin = ["xmpp:admin@example.org", "mailto:admin@example.org"]
feedback = ["x:1"]
sales = ["x:2"]
security = ["x:3"]
status = ["https://example.org/status"]
support = ["x:4"]
[[interface]]
name = "one"
kind = "other"
listen = ["127.0.0.1:15222", "[::1]:0"]
tls = "direct"
client_ca = "clients.pem"
client_crl = "/keys/revoked.pem"
hosts = ["example.org"]
auth = ["internal", "external"]
extensions = ["acl"]
records = "retained"
log_level = "error"
stanza_bytes_max = "64KiB"
receive_rate = 0
receive_burst = "1MiB"
resources_max = 2
connections_per_address_max = 7
authentication_deadline = "1m"
authentication_tries_max = 6
)");
  EXPECT_EQ(snapshot->server(), (ServerOptions{3, "/etc/test/data", "/etc/test/control.sock"}));
  EXPECT_EQ(snapshot->log(), (LogOptions{LogTarget::file, "/var/log/rondel.log", LogLevel::debug}));
  EXPECT_EQ(snapshot->tls().records, TlsRecords::compact);
  EXPECT_EQ(snapshot->modules_directory(), "/modules");
  EXPECT_THAT(snapshot->modules(), ElementsAre("ping", "sample"));
  const HostOptions host{"example.org",
                         "/etc/test/example.crt",
                         "/keys/example.key",
                         "/etc/test/rsa.crt",
                         "/keys/rsa.key",
                         "/etc/test/example.ocsp",
                         {{"mailto:abuse@example.org"},
                          {"xmpp:admin@example.org", "mailto:admin@example.org"},
                          {"x:1"},
                          {"x:2"},
                          {"x:3"},
                          {"https://example.org/status"},
                          {"x:4"}},
                         {"ping", "", "sample", "", "sample"},
                         {"ping"}};
  EXPECT_THAT(snapshot->hosts(), ElementsAre(host));
  const InterfaceOptions interface {
    "one", "other", {*ListenAddress::parse("127.0.0.1:15222"), *ListenAddress::parse("[::1]:0")},
        TlsMode::direct, TlsRecords::retained, "/etc/test/clients.pem", "/keys/revoked.pem",
        {"example.org"}, {"internal", "external"}, {"acl"}, LogLevel::error, 65'536, 0, 1024 * 1024,
        2, 7, base::Milliseconds(60'000), 6
  };
  EXPECT_THAT(snapshot->interfaces(), ElementsAre(interface));
}

TEST(File, NamesOfChoicesMeanWhatTheySay) {
  const std::pair<std::string, TlsMode> modes[] = {{"required", TlsMode::required},
                                                   {"optional", TlsMode::optional},
                                                   {"direct", TlsMode::direct}};
  for (const auto& [name, mode] : modes) {
    EXPECT_EQ(expect_fine(kSmall + "tls = \"" + name + "\"\n")->interfaces()[0].tls, mode);
  }
  const std::pair<std::string, TlsRecords> engines[] = {{"auto", TlsRecords::automatic},
                                                        {"kernel", TlsRecords::kernel},
                                                        {"compact", TlsRecords::compact},
                                                        {"retained", TlsRecords::retained}};
  for (const auto& [name, records] : engines) {
    EXPECT_EQ(expect_fine(kSmall + "[tls]\nrecords = \"" + name + "\"\n")->tls().records, records);
  }
  const std::pair<std::string, LogTarget> targets[] = {{"stderr", LogTarget::standard_error},
                                                       {"journal", LogTarget::journal},
                                                       {"syslog", LogTarget::syslog}};
  for (const auto& [name, target] : targets) {
    EXPECT_EQ(expect_fine(kSmall + "[log]\ndestination = \"" + name + "\"\n")->log().target,
              target);
  }
}

TEST(File, AnInterfaceTakesTheEngineAndLevelOfAllUnlessItHasItsOwn) {
  const std::string all = "[tls]\nrecords = \"kernel\"\n[log]\nlevel = \"debug\"\n";
  const auto taken = expect_fine(kSmall + all);
  EXPECT_EQ(taken->interfaces()[0].records, TlsRecords::kernel);
  EXPECT_EQ(taken->interfaces()[0].log_level, LogLevel::debug);
  const auto own = expect_fine(kSmall + "records = \"compact\"\nlog_level = \"error\"\n" + all);
  EXPECT_EQ(own->interfaces()[0].records, TlsRecords::compact);
  EXPECT_EQ(own->interfaces()[0].log_level, LogLevel::error);
}

TEST(File, AnInterfaceSpellsItsHostsAsTheHostsDo) {
  const auto snapshot = expect_fine(kSmall +
                                    "[[interface]]\nname = \"b\"\nlisten = [\"[::]:1\"]\n"
                                    "auth = [\"internal\"]\nhosts = [\"EXAMPLE.ORG\"]\n");
  EXPECT_THAT(snapshot->interfaces()[1].hosts, ElementsAre("example.org"));
  EXPECT_EQ(snapshot->host("Example.Org"), snapshot->hosts().data());
  EXPECT_EQ(snapshot->host("example.com"), nullptr);
  EXPECT_EQ(snapshot->interface("b"), &snapshot->interfaces()[1]);
  EXPECT_EQ(snapshot->interface("c"), nullptr);
}

TEST(Precedence, TheCommandLineStandsOverTheFileAndTheFileOverDefaults) {
  const std::string file = kSmall +
                           "[server]\nthreads = 2\ndata_dir = \"/file\"\n[log]\nlevel = \"error\"\n"
                           "destination = \"syslog\"\n";
  EXPECT_EQ(expect_fine(kSmall)->server().threads, 0);
  EXPECT_EQ(expect_fine(file)->server().threads, 2);
  const auto snapshot = expect_fine(file, {.modules_directory = "/flag/modules",
                                           .data_dir = "/flag/data",
                                           .log_destination = "journal",
                                           .log_level = "debug",
                                           .threads = 0});
  EXPECT_EQ(snapshot->server().threads, 0);
  EXPECT_EQ(snapshot->server().data_dir, "/flag/data");
  EXPECT_EQ(snapshot->log(), (LogOptions{LogTarget::journal, "", LogLevel::debug}));
  EXPECT_EQ(snapshot->modules_directory(), "/flag/modules");
  EXPECT_EQ(snapshot->interfaces()[0].log_level, LogLevel::debug);
}

TEST(Precedence, HoldsBeforeModulesAreKnown) {
  const auto document = Document::parse(
      "[modules]\ndirectory = \"m\"\nload = [\"a\", \"b\"]\n"
      "[module.a]\nunknown = 1\n",
      "/etc/test/test.toml");
  ASSERT_TRUE(document.has_value());
  const auto from_file = bootstrap(*document, {});
  ASSERT_TRUE(from_file.has_value());
  EXPECT_EQ(from_file->modules_directory, "/etc/test/m");
  EXPECT_THAT(from_file->modules, ElementsAre("a", "b"));
  const auto from_flag = bootstrap(*document, {.modules_directory = "/flag"});
  ASSERT_TRUE(from_flag.has_value());
  EXPECT_EQ(from_flag->modules_directory, "/flag");
}

TEST(Bootstrap, ReportsProblemsOfItsSections) {
  const auto document = Document::parse("[modules]\nload = [\"A b\"]\ndirectroy = 1\n", "t.toml");
  ASSERT_TRUE(document.has_value());
  const auto found = bootstrap(*document, {});
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(
      to_string(found.error()),
      "t.toml:2:9: load has \"A b\" in its list; each must be a name of small letters, digits "
      "and '-'\n"
      "t.toml:3:1: unknown option \"directroy\" in [modules]; known: directory, load; did you "
      "mean \"directory\"?\n");
}

TEST(ModuleOptions, HaveTheDefaultsThatTheModuleDeclares) {
  const auto snapshot = expect_fine(kSmall);
  const Options options = snapshot->options("sample");
  EXPECT_TRUE(options.boolean("on"));
  EXPECT_EQ(options.integer("rounds"), 10'000);
  EXPECT_EQ(options.integer("size"), 2'048);
  EXPECT_EQ(options.duration("wait"), std::chrono::seconds(90));
  EXPECT_EQ(options.text("title"), "none | any");
  EXPECT_EQ(options.text("colour"), "red");
  EXPECT_EQ(options.path("file"), "/var/lib/rondel/sample.db");
  EXPECT_THAT(options.texts("ways"), ElementsAre("SCRAM-SHA-256", "SCRAM-SHA-1"));
  EXPECT_THAT(options.texts("deny"), IsEmpty());
  EXPECT_THAT(options.addresses("listen"), ElementsAre(*ListenAddress::parse("127.0.0.1:80")));
  EXPECT_EQ(options.text("password"), "");
}

TEST(ModuleOptions, AreReadFromTheFile) {
  const auto snapshot = expect_fine(kSmall + R"([module.sample]
on = false
rounds = 5000
size = "1KiB"
wait = "2m"
title = ""
colour = "green"
file = "/srv/x.db"
ways = ["SCRAM-SHA-1"]
deny = ["10.0.0.0/8"]
listen = []
mood = "calm"
password = "geheim"
)");
  const Options options = snapshot->options("sample");
  EXPECT_FALSE(options.boolean("on"));
  EXPECT_EQ(options.integer("rounds"), 5'000);
  EXPECT_EQ(options.integer("size"), 1'024);
  EXPECT_EQ(options.duration("wait"), std::chrono::minutes(2));
  EXPECT_EQ(options.text("colour"), "green");
  EXPECT_EQ(options.path("file"), "/srv/x.db");
  EXPECT_THAT(options.texts("ways"), ElementsAre("SCRAM-SHA-1"));
  EXPECT_THAT(options.texts("deny"), ElementsAre("10.0.0.0/8"));
  EXPECT_THAT(options.addresses("listen"), IsEmpty());
  EXPECT_EQ(options.text("mood"), "calm");
  EXPECT_EQ(options.text("password"), "geheim");
  EXPECT_EQ(options.setting("rounds").origin.line, 14);
}

TEST(ModuleOptions, TheNearestPlaceWins) {
  const auto snapshot = expect_fine(R"([modules]
load = ["sample", "ping"]
[module.sample]
title = "all"
rounds = 5000
size = 1
[[host]]
name = "a.example"
[host.module.sample]
title = "host a"
rounds = 6000
[[host]]
name = "b.example"
[[interface]]
name = "one"
listen = ["127.0.0.1:1"]
tls = "off"
hosts = ["a.example", "b.example"]
auth = ["internal"]
[interface.module.sample]
title = "interface one"
)");
  const auto title = [&](std::string_view host, std::string_view interface) {
    return snapshot->options("sample", host, interface).text("title");
  };
  EXPECT_EQ(title("", ""), "all");
  EXPECT_EQ(title("a.example", ""), "host a");
  EXPECT_EQ(title("A.Example", ""), "host a");
  EXPECT_EQ(title("b.example", ""), "all");
  EXPECT_EQ(title("", "one"), "interface one");
  EXPECT_EQ(title("a.example", "one"), "interface one");
  EXPECT_EQ(title("a.example", "unknown"), "host a");
  const Options both = snapshot->options("sample", "a.example", "one");
  EXPECT_EQ(both.integer("rounds"), 6'000);
  EXPECT_EQ(both.integer("size"), 1);
  EXPECT_EQ(both.text("colour"), "red");
}

TEST(ModuleOptions, PathsFollowTheDataFolderOfTheCommandLine) {
  const auto snapshot =
      expect_fine(kSmall + "[module.sample]\nfile = \"sub/../x.db\"\n", {.data_dir = "/srv/data"});
  EXPECT_EQ(snapshot->options("sample").path("file"), "/srv/data/x.db");
}

TEST(ModuleOptionsDeathTest, AskingForWhatIsNotDeclaredStopsTheProgram) {
  const auto snapshot = expect_fine(kSmall);
  EXPECT_DEATH((void)snapshot->options("sample").text("unknown"), "");
  EXPECT_DEATH((void)snapshot->options("sample").text("rounds"), "");
  EXPECT_DEATH((void)snapshot->options("sample").duration("rounds"), "");
}

TEST(Modules, ServeEveryHostThatDoesNotSayOtherwise) {
  const auto snapshot =
      expect_fine(kSmall + "[[host]]\nname = \"b.example\"\nmodules_off = [\"ping\"]\n");
  EXPECT_TRUE(snapshot->serves("ping", "example.org"));
  EXPECT_FALSE(snapshot->serves("ping", "b.example"));
  EXPECT_TRUE(snapshot->serves("sample", "B.example"));
  EXPECT_FALSE(snapshot->serves("not-loaded", "example.org"));
  EXPECT_FALSE(snapshot->serves("ping", "c.example"));
}

}  // namespace
}  // namespace rondel::config::test
