// The effective configuration, and the way back.
#include "config/print.h"

#include <gmock/gmock.h>
#include <string>
#include <vector>

#include "config/diff.h"
#include "tests/config/sample.h"

namespace rondel::config::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kFull = R"(
[server]
threads = 3
data_dir = "da\"t\\a\tü"
[log]
destination = "file:/var/log/rondel.log"
level = "debug"
[tls]
records = "compact"
[modules]
load = ["ping", "sample"]
[module.sample]
wait = "1500ms"
title = "line\nbreak # no comment \u0001\u007f"
file = "relative.db"
deny = ["10.0.0.0/8", "::/0"]
[[host]]
name = "bücher.example"
certificate = "b.crt"
key = "b.key"
certificate_alternative = "rsa.crt"
key_alternative = "rsa.key"
ocsp_response = "b.ocsp"
modules_off = ["ping"]
[host.contact]
abuse = ["mailto:abuse@example.org"]
[host.module.sample]
rounds = 5000
[[host]]
name = "example.org"
[[interface]]
name = "direct"
listen = ["[::]:5223"]
tls = "direct"
hosts = ["bücher.example"]
auth = ["internal"]
client_ca = "clients.pem"
client_crl = "revoked.pem"
stanza_bytes_max = "64KiB"
authentication_deadline = "90s"
records = "retained"
[interface.module.sample]
on = false
ways = []
[[interface]]
name = "plain"
listen = ["127.0.0.1:5222", "0.0.0.0:5299"]
tls = "off"
allow_plain_text = true
hosts = ["Example.Org", "bücher.example"]
auth = ["internal"]
)";

TEST(PrintConfig, ReadBackGivesTheSameSnapshot) {
  for (const std::string& file : {kSmall, kFull}) {
    const auto snapshot = expect_fine(file, {.log_level = "error"});
    const std::string printed = print_config(*snapshot);
    const auto again = create(printed);
    ASSERT_TRUE(again.has_value()) << to_string(again.error()) << printed;
    EXPECT_THAT(diff(*snapshot, **again), IsEmpty());
    EXPECT_EQ((*again)->server(), snapshot->server());
    EXPECT_EQ((*again)->log(), snapshot->log());
    EXPECT_EQ((*again)->tls(), snapshot->tls());
    EXPECT_EQ((*again)->hosts(), snapshot->hosts());
    EXPECT_EQ((*again)->interfaces(), snapshot->interfaces());
    EXPECT_EQ((*again)->modules(), snapshot->modules());
    EXPECT_EQ((*again)->modules_directory(), snapshot->modules_directory());
  }
}

TEST(PrintConfig, SaysOfEveryValueWhereItComesFrom) {
  const auto snapshot =
      expect_fine(kSmall + "stanza_bytes_max = \"20KiB\"\nauthentication_deadline = \"60000ms\"\n",
                  {.log_level = "debug", .threads = 4});
  const std::string printed = print_config(*snapshot);
  for (const std::string line :
       {"threads = 4  # command line, --threads\n", "data_dir = \"/var/lib/rondel\"  # default\n",
        "level = \"debug\"  # command line, --log-level\n",
        "load = [\"sample\", \"ping\"]  # /etc/test/test.toml:2\n",
        "certificate = \"/etc/test/example.crt\"  # /etc/test/test.toml:5\n",
        "stanza_bytes_max = 20480  # /etc/test/test.toml:12\n",
        "authentication_deadline = \"1m\"  # /etc/test/test.toml:13\n",
        "log_level = \"debug\"  # as [log] level\n", "records = \"auto\"  # as [tls] records\n",
        "wait = \"90s\"  # default\n"}) {
    EXPECT_THAT(printed, HasSubstr("\n" + line));
  }
}

TEST(PrintConfig, NamesEveryOptionOfTheCore) {
  const std::string printed = print_config(*expect_fine(kSmall));
  for (const SectionSpec& section : core_sections()) {
    const std::size_t start = printed.find(std::string(section.header) + "\n");
    ASSERT_NE(start, std::string::npos) << section.header;
    const std::string body = printed.substr(start, printed.find("\n\n", start) - start);
    for (const OptionSpec& option : section.options) {
      EXPECT_THAT(body, HasSubstr("\n" + std::string(option.name) + " = "));
    }
  }
}

TEST(PrintConfig, HidesSecretsWhereverTheyAreSet) {
  const auto snapshot = expect_fine(kSmall +
                                    "[interface.module.sample]\npassword = \"geheim-1\"\n"
                                    "[module.sample]\npassword = \"geheim-2\"\n");
  const std::string printed = print_config(*snapshot);
  EXPECT_THAT(printed, Not(HasSubstr("geheim")));
  EXPECT_THAT(printed, HasSubstr("[interface.module.sample]\npassword = \"***\"  # "));
  EXPECT_THAT(printed, HasSubstr("\npassword = \"***\"  # /etc/test/test.toml:15\n"));
  EXPECT_THAT(problems_of(printed), Not(IsEmpty()));
}

TEST(PrintConfig, APathWithALineBreakDoesNotBreakTheComments) {
  const auto document = Document::parse(kSmall, "/tmp/a\nthreads = 7.toml");
  ASSERT_TRUE(document.has_value());
  const auto snapshot = Snapshot::create(*document, {}, kSampleModules);
  ASSERT_TRUE(snapshot.has_value());
  EXPECT_THAT(problems_of(print_config(**snapshot)), IsEmpty());
}

}  // namespace
}  // namespace rondel::config::test
