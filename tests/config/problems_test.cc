// Every mistake that a file can hold, with the very words that its author reads.
#include <algorithm>
#include <gmock/gmock.h>
#include <string>
#include <vector>

#include "tests/config/sample.h"

namespace rondel::config::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Lines after the twelve of kSmall, or a whole file, with what is said about it.
struct Bad {
  const char* name;
  std::string text;
  std::vector<std::string> problems;
  bool is_whole = false;
};

void PrintTo(const Bad& bad, std::ostream* stream) {
  *stream << bad.name;
}

std::string name_of(const ::testing::TestParamInfo<Bad>& bad) {
  return bad.param.name;
}

class BadFile : public ::testing::TestWithParam<Bad> {};

TEST_P(BadFile, IsRefusedWithTheseWords) {
  const Bad& bad = GetParam();
  std::vector<std::string> expected;
  for (const std::string& problem : bad.problems) {
    expected.push_back(std::string(kPath) + ":" + problem);
  }
  EXPECT_EQ(problems_of(bad.is_whole ? bad.text : kSmall + bad.text), expected);
}

const std::string kNoTables = "; a server needs one host and one interface at least";
const std::string kLevelsAllowed = "; it must be \"error\", \"info\" or \"debug\"";

INSTANTIATE_TEST_SUITE_P(
    Syntax,
    BadFile,
    ::testing::Values(
        Bad{"open_list",
            "x = [1\n",
            {"1:8: Error while parsing array: encountered end-of-file"},
            true},
        Bad{"key_twice",
            "a = 1\na = 2\n",
            {"2:5: Error while parsing key-value pair: cannot redefine existing integer 'a'"},
            true},
        Bad{"empty_file",
            "",
            {"1:1: there is no [[host]]" + kNoTables, "1:1: there is no [[interface]]" + kNoTables},
            true}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Names,
    BadFile,
    ::testing::Values(
        Bad{"table",
            "[sever]\nthreads = 1\n",
            {"12:2: unknown table or option \"sever\"; known tables: host, interface, log, module, "
             "modules, server, tls; did you mean \"server\"?"}},
        Bad{"option",
            "[server]\ntreads = 4\n",
            {"13:1: unknown option \"treads\" in [server]; known: control_socket, data_dir, "
             "threads; did you mean \"threads\"?"}},
        Bad{"option_unlike_any",
            "[log]\n  colour = \"red\"\n",
            {"13:3: unknown option \"colour\" in [log]; known: destination, level"}},
        Bad{"option_of_an_interface_names_the_interface",
            "tsl = \"off\"\n",
            {"12:1: unknown option \"tsl\" in [[interface]]; known: allow_plain_text, auth, "
             "authentication_deadline, authentication_tries_max, client_ca, client_crl, "
             "connections_per_address_max, "
             "extensions, hosts, kind, listen, log_level, module, name, receive_burst, "
             "receive_rate, "
             "records, resources_max, "
             "stanza_bytes_max, tls; did you mean \"tls\"?"}},
        Bad{"control_characters_are_escaped",
            "[tls]\n\"a\\u001bb\" = 1\n",
            {"13:1: unknown option \"a\\u001Bb\" in [tls]; known: records"}},
        Bad{"module",
            "[module.sampel]\non = true\n",
            {"12:9: [module.sampel] is for a module that is not loaded; loaded: sample, ping; did "
             "you mean \"sample\"?"}},
        Bad{"module_of_an_interface",
            "[interface.module.pong]\n",
            {"12:19: [interface.module.pong] is for a module that is not loaded; loaded: sample, "
             "ping; did you mean \"ping\"?"}},
        Bad{"module_option",
            "[module.sample]\nround = 5000\n",
            {"13:1: unknown option \"round\" in [module.sample]; known: colour, deny, file, "
             "listen, "
             "mood, on, password, rounds, size, title, wait, ways; did you mean \"rounds\"?"}},
        Bad{"option_of_a_module_without_options",
            "[module.ping]\nx = 1\n",
            {"13:1: unknown option \"x\" in [module.ping]; it has no options"}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Shapes,
    BadFile,
    ::testing::Values(
        Bad{"list_of_tables_for_one",
            "[[log]]\nlevel = \"info\"\n",
            {"12:3: log is a list; it must be a table: write [log]"}},
        Bad{"value_for_a_table",
            "server = 1\n" + kSmall,
            {"1:1: server is a whole number; it must be a table: write [server]"},
            true},
        Bad{"value_for_a_module",
            "[module]\nsample = 3\n",
            {"13:1: sample is a whole number; it must be a table: write [module.sample]"}},
        Bad{"value_for_all_modules",
            "module = 3\n" + kSmall,
            {"1:1: module is a whole number; it must be a table: write [module.NAME]"},
            true},
        Bad{"one_table_for_many",
            "[host]\nname = \"example.org\"\n[[interface]]\nname = \"x\"\nlisten = [\"[::1]:1\"]\n"
            "kind = \"other\"\n",
            {"1:2: host is not a list of tables; write [[host]], once for each"},
            true},
        Bad{"contact_is_no_table",
            "[[host]]\nname = \"b.example\"\ncontact = \"me\"\n",
            {"14:1: contact is text; it must be a table: write [host.contact]"}},
        Bad{"empty_list_of_hosts",
            "host = []\n[[interface]]\nname = \"x\"\nlisten = [\"[::1]:1\"]\nkind = \"other\"\n",
            {"1:1: host is not a list of tables; write [[host]], once for each"},
            true}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Values,
    BadFile,
    ::testing::Values(
        Bad{"number_is_text",
            "[server]\nthreads = \"4\"\n",
            {"13:11: threads is text; it must be a whole number from 0 to 256"}},
        Bad{"number_has_a_fraction",
            "[server]\nthreads = 1.5\n",
            {"13:11: threads is a number with a fraction; it must be a whole number from 0 to "
             "256"}},
        Bad{"number_too_big",
            "[server]\nthreads = 257\n",
            {"13:11: threads is 257; it must be a whole number from 0 to 256"}},
        Bad{"number_too_small",
            "[server]\nthreads = -1\n",
            {"13:11: threads is -1; it must be a whole number from 0 to 256"}},
        Bad{"path_is_a_number",
            "[server]\ndata_dir = 3\n",
            {"13:12: data_dir is a whole number; it must be a path"}},
        Bad{"path_is_empty",
            "[server]\ndata_dir = \"\"\n",
            {"13:12: data_dir is \"\"; it must be a path"}},
        Bad{"path_with_nul",
            "[server]\ndata_dir = \"/a\\u0000b\"\n",
            {"13:12: data_dir is \"/a\\u0000b\"; it must be text without NUL"}},
        Bad{"socket_path_too_long",
            "[server]\ncontrol_socket = \"/" + std::string(107, 'a') + "\"\n",
            {"13:18: control_socket is a path of 108 bytes; a socket's path has 107 bytes at "
             "most"}},
        Bad{"level", "[log]\nlevel = \"warn\"\n", {"13:9: level is \"warn\"" + kLevelsAllowed}},
        Bad{"level_misspelt",
            "log_level = \"debgu\"\n",
            {"12:13: log_level is \"debgu\"" + kLevelsAllowed + "; did you mean \"debug\"?"}},
        Bad{"destination",
            "[log]\ndestination = \"file:log.txt\"\n",
            {"13:15: destination is \"file:log.txt\"; it must be \"stderr\", \"journal\", "
             "\"syslog\" or \"file:/path\""}},
        Bad{"choice_is_a_boolean",
            "tls = false\n",
            {"12:7: tls is true or false; it must be \"required\", \"optional\", \"direct\" or "
             "\"off\""}},
        Bad{"records",
            "records = \"kernal\"\n",
            {"12:11: records is \"kernal\"; it must be \"auto\", \"kernel\", \"compact\" or "
             "\"retained\"; did you mean \"kernel\"?"}},
        Bad{"stanza_bytes_below_what_the_rfc_allows",
            "stanza_bytes_max = 9999\n",
            {"12:20: stanza_bytes_max is 9999; it must be a number of bytes from 10000 to "
             "16777216, or text such as \"256KiB\""}},
        Bad{"stanza_bytes_in_no_known_unit",
            "stanza_bytes_max = \"20kB\"\n",
            {"12:20: stanza_bytes_max is \"20kB\"; it must be a number of bytes from 10000 to "
             "16777216, or text such as \"256KiB\""}},
        Bad{"time_without_a_unit",
            "authentication_deadline = 30\n",
            {"12:27: authentication_deadline is a whole number; it must be a time such as \"30s\", "
             "from 1s to 10m"}},
        Bad{"time_too_long",
            "authentication_deadline = \"11m\"\n",
            {"12:27: authentication_deadline is \"11m\"; it must be a time such as \"30s\", from "
             "1s to 10m"}},
        Bad{"boolean_is_text",
            "allow_plain_text = \"yes\"\n",
            {"12:20: allow_plain_text is text; it must be true or false"}},
        Bad{"date",
            "extensions = 1979-05-27\n",
            {"12:14: extensions is a date or time; it must be a list, each a name of small "
             "letters, "
             "digits and '-'"}},
        Bad{"list_of_numbers",
            "extensions = [\"a\", 3]\n",
            {"12:20: extensions has a whole number in its list; it must be a list, each a name of "
             "small letters, digits and '-'"}},
        Bad{"list_with_one_text_twice",
            "extensions = [\"a\", \"b\", \"a\"]\n",
            {"12:25: extensions has \"a\" twice; name it once"}},
        Bad{"module_name_that_is_a_path",
            "extensions = [\"../../evil\"]\n",
            {"12:15: extensions has \"../../evil\" in its list; each must be a name of small "
             "letters, digits and '-'"}},
        Bad{"secret_is_the_mask",
            "[module.sample]\npassword = \"***\"\n",
            {"13:12: password is the mask that --print-config writes for a secret; write the "
             "secret "
             "itself"}},
        Bad{"choice_in_a_list",
            "[module.sample]\nways = [\"SCRAM-SHA-25\"]\n",
            {"13:9: ways has \"SCRAM-SHA-25\" in its list; each must be \"SCRAM-SHA-256\" or "
             "\"SCRAM-SHA-1\"; did you mean \"SCRAM-SHA-256\"?"}},
        Bad{"modules_own_check",
            "[module.sample]\ndeny = [\"10.0.0.0/8\", \"here\"]\n",
            {"13:23: deny has \"here\" in its list; each must be an address range"}},
        Bad{"contact_is_no_uri",
            "[[host]]\nname = \"b.example\"\n[host.contact]\nabuse = [\"me@example.org\"]\n",
            {"15:10: abuse has \"me@example.org\" in its list; each must be a URI such as "
             "\"mailto:abuse@example.org\" or \"xmpp:admin@example.org\""}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Places,
    BadFile,
    ::testing::Values(
        Bad{"for_all_only",
            "[interface.module.sample]\nlisten = []\n",
            {"13:1: listen cannot be set in [interface.module.sample] of clients; set it in "
             "[module.sample]"}},
        Bad{"not_for_an_interface",
            "[interface.module.sample]\nmood = \"x\"\n",
            {"13:1: mood cannot be set in [interface.module.sample] of clients; set it in "
             "[module.sample]"}},
        Bad{"for_all_only_in_a_host",
            "[[host]]\nname = \"b.example\"\n[host.module.sample]\nmood = \"x\"\nlisten = []\n",
            {"16:1: listen cannot be set in [host.module.sample] of b.example; set it in "
             "[module.sample]"}}),
    name_of);

const std::string kSecond = "[[interface]]\nname = \"second\"\nauth = [\"internal\"]\n";

INSTANTIATE_TEST_SUITE_P(
    Sense,
    BadFile,
    ::testing::Values(
        Bad{"nothing_required_is_there",
            "[[host]]\n[[interface]]\n",
            {"1:1: name is missing in [[host]]; it must be a domain such as \"example.org\"",
             "2:1: name is missing in [[interface]]; it must be a name of letters, digits, '-', "
             "'_' "
             "and '.', 64 at most",
             "2:1: listen is missing in [[interface]]; it must be a list, each an address with its "
             "port such as \"[::]:5222\" or \"192.0.2.1:5222\"",
             "2:1: hosts is empty in [[interface]]; name the hosts that it serves",
             "2:1: auth is empty in [[interface]]; nobody could log in; name a way such as "
             "\"internal\""},
            true},
        Bad{"certificate_without_key",
            "[[host]]\nname = \"b.example\"\ncertificate = \"b.crt\"\n",
            {"14:15: certificate has no key; set key too: TLS needs both"}},
        Bad{"key_without_certificate",
            "[[host]]\nname = \"b.example\"\nkey = \"b.key\"\n",
            {"14:7: key has no certificate; set certificate too: TLS needs both"}},
        Bad{"alternative_certificate_without_key",
            "[[host]]\nname = \"b.example\"\ncertificate = \"b.crt\"\nkey = \"b.key\"\n"
            "certificate_alternative = \"c.crt\"\n",
            {"16:27: certificate_alternative has no key_alternative; set key_alternative too: TLS "
             "needs both"}},
        Bad{"alternative_key_without_certificate",
            "[[host]]\nname = \"b.example\"\ncertificate = \"b.crt\"\nkey = \"b.key\"\n"
            "key_alternative = \"c.key\"\n",
            {"16:19: key_alternative has no certificate_alternative; set certificate_alternative "
             "too: TLS needs both"}},
        Bad{"alternative_pair_without_a_first",
            "[[host]]\nname = \"b.example\"\ncertificate_alternative = \"c.crt\"\n"
            "key_alternative = \"c.key\"\n",
            {"14:27: certificate_alternative stands without certificate; set certificate and key "
             "too"}},
        Bad{"ocsp_response_without_certificate",
            "[[host]]\nname = \"b.example\"\nocsp_response = \"b.ocsp\"\n",
            {"14:17: ocsp_response stands without certificate; set certificate and key too"}},
        Bad{"ocsp_response_that_is_no_path",
            "[[host]]\nname = \"b.example\"\nocsp_response = true\n",
            {"14:17: ocsp_response is true or false; it must be a path"}},
        Bad{"two_hosts_of_one_name",
            "[[host]]\nname = \"Example.ORG\"\n",
            {"13:8: there are two [[host]] of the name \"Example.ORG\"; the first is in line 4"}},
        Bad{"host_with_a_user",
            "[[host]]\nname = \"me@example.org\"\n",
            {"13:8: name is \"me@example.org\"; it must be a domain such as \"example.org\""}},
        Bad{"storage_is_not_loaded",
            "[[host]]\nname = \"b.example\"\n[host.storage]\nusers = \"ping\"\nrosters = "
            "\"sampel\"\n",
            {"16:11: rosters names \"sampel\", which is not loaded; loaded: sample, ping; did you "
             "mean \"sample\"?"}},
        Bad{"module_off_that_is_not_loaded",
            "[[host]]\nname = \"b.example\"\nmodules_off = [\"ping\", \"sampel\"]\n",
            {"14:24: modules_off has \"sampel\", which is not loaded; loaded: sample, ping; did "
             "you "
             "mean \"sample\"?"}},
        Bad{"two_interfaces_of_one_name",
            "[[interface]]\nname = \"clients\"\nlisten = [\"[::]:1\"]\nhosts = [\"example.org\"]\n"
            "auth = [\"internal\"]\n",
            {"13:8: there are two [[interface]] of the name \"clients\"; the first is in line 8"}},
        Bad{"unknown_host",
            kSecond + "listen = [\"[::]:1\"]\nhosts = [\"example.org\", \"exmaple.org\"]\n",
            {"16:25: hosts has \"exmaple.org\", which has no [[host]] entry; known: example.org; "
             "did you mean \"example.org\"?"}},
        Bad{"no_hosts_no_auth",
            "[[interface]]\nname = \"second\"\nlisten = [\"[::]:1\"]\nauth = []\nhosts = []\n",
            {"15:8: auth is empty in [[interface]] second; nobody could log in; name a way such as "
             "\"internal\"",
             "16:9: hosts is empty in [[interface]] second; name the hosts that it serves"}},
        Bad{"listens_nowhere",
            kSecond + "hosts = [\"example.org\"]\nlisten = []\n",
            {"16:10: listen is empty; it must be a list, each an address with its port such as "
             "\"[::]:5222\" or \"192.0.2.1:5222\""}},
        Bad{"host_without_certificate",
            "[[host]]\nname = \"b.example\"\n" + kSecond +
                "listen = [\"[::]:1\"]\ntls = \"direct\"\nhosts = [\"b.example\"]\n",
            {"19:10: \"b.example\" has no certificate, and this interface has tls = \"direct\"; "
             "set "
             "certificate and key in its [[host]] entry"}},
        Bad{"client_crl_without_client_ca",
            "client_crl = \"revoked.pem\"\n",
            {"12:14: client_crl stands without client_ca; set client_ca too"}},
        Bad{"client_ca_without_tls",
            kSecond + "listen = [\"127.0.0.1:1\"]\ntls = \"off\"\nhosts = [\"example.org\"]\n"
                      "client_ca = \"ca.pem\"\n",
            {"18:13: client_ca is set, and tls is \"off\"; certificates are shown in a TLS "
             "handshake: "
             "set tls, or leave client_ca out"}},
        Bad{"plain_text_for_the_world",
            kSecond + "listen = [\"127.0.0.1:1\", \"0.0.0.0:1\"]\ntls = \"off\"\n"
                      "hosts = [\"example.org\"]\n",
            {"15:26: tls is \"off\" and 0.0.0.0:1 is not a loopback address: whoever is on the way "
             "could read and change everything; use 127.0.0.1 or [::1], set tls, or set "
             "allow_plain_text = true behind a proxy that ends TLS"}},
        Bad{"one_socket_one_host_twice",
            kSecond + "listen = [\"[::]:5222\"]\nhosts = [\"EXAMPLE.org\"]\n",
            {"15:11: [::]:5222 is shared with [[interface]] clients, and both serve "
             "\"example.org\" "
             "as c2s; give them different hosts, kinds or addresses"}},
        Bad{"one_socket_with_and_without_tls_at_once",
            kSecond + "listen = [\"[0::0]:5222\"]\nhosts = [\"example.org\"]\ntls = \"direct\"\n",
            {"15:11: [0::0]:5222 is shared with [[interface]] clients, and one of both has tls = "
             "\"direct\"; TLS begins with the first byte on all of a socket's connections or on "
             "none"}}),
    name_of);

TEST(Problems, AreAllReportedAtOnceInTheOrderOfTheFile) {
  const auto lines = problems_of(
      "[[interface]]\nname = 3\ntls = \"n\"\n[server]\nthreads = 999\nx = 1\n[[host]]\nkey = 1\n",
      {.log_level = "loud", .threads = -1});
  std::vector<std::string> places;
  for (const std::string& line : lines) {
    const std::string place = line.substr(0, line.find(": "));
    places.push_back(place.substr(place.find_last_of('/') + 1));
  }
  EXPECT_THAT(places,
              ElementsAre("command line", "command line", "test.toml:1:1", "test.toml:1:1",
                          "test.toml:1:1", "test.toml:2:8", "test.toml:3:7", "test.toml:5:11",
                          "test.toml:6:1", "test.toml:7:1", "test.toml:8:7"));
}

TEST(Problems, OfAFlagNameTheFlag) {
  EXPECT_THAT(problems_of(kSmall, {.log_level = "debgu", .threads = 257}),
              ElementsAre("command line: --threads: threads is 257; it must be a whole number from "
                          "0 to 256",
                          "command line: --log-level: level is \"debgu\"; it must be \"error\", "
                          "\"info\" or \"debug\"; did you mean \"debug\"?"));
}

TEST(Problems, OfTheFileAreReportedEvenWhereAFlagStandsOverThem) {
  EXPECT_THAT(problems_of(kSmall + "[server]\nthreads = 999\n", {.threads = 1}),
              ElementsAre(HasSubstr("13:11: threads is 999")));
}

TEST(Problems, OneMistakeIsNotReportedTwice) {
  EXPECT_THAT(problems_of(kSmall + "tls = \"of\"\nallow_plain_text = 1\n"),
              ElementsAre(HasSubstr(":12:7: "), HasSubstr(":13:20: ")));
}

TEST(Problems, OfAModulesOwnTableAreReportedByTheModulesName) {
  static constexpr OptionSpec kWrong[] = {
      {.name = "few", .type = OptionType::integer, .default_integer = 5, .minimum = 10},
      {.name = "few", .default_text = "again"},
      {.name = "shade", .type = OptionType::choice, .default_text = "blue", .choices = kColours},
      {.name = "hidden", .type = OptionType::integer, .is_secret = true},
  };
  const ModuleOptions modules[] = {{"sample", {}}, {"ping", {}}, {"bad", kWrong}};
  const auto created = create(kSmall, {}, modules);
  ASSERT_FALSE(created.has_value());
  std::vector<std::string> lines;
  for (const Problem& problem : created.error()) {
    lines.push_back(problem.to_string());
  }
  EXPECT_THAT(lines, ElementsAre(HasSubstr("module bad: its option few is declared wrongly"),
                                 HasSubstr("module bad: it declares option few twice"),
                                 HasSubstr("module bad: its option shade is declared wrongly"),
                                 HasSubstr("module bad: its option hidden is declared wrongly")));
}

/// Cut anywhere, or with any byte replaced, a file gives a snapshot or problems with their places.
TEST(Problems, OfADamagedFileHaveAPlaceInIt) {
  const std::string whole = kSmall + "tls = \"off\"\n[interface.module.sample]\non = false\n";
  const auto lines = static_cast<int>(std::ranges::count(whole, '\n')) + 1;
  int refused = 0;
  const auto check = [&](const std::string& text) {
    const auto created = create(text);
    if (created.has_value()) {
      return;
    }
    ++refused;
    ASSERT_FALSE(created.error().empty());
    for (const Problem& problem : created.error()) {
      EXPECT_FALSE(problem.what.empty()) << text;
      EXPECT_GE(problem.line, 1) << problem.to_string() << "\n" << text;
      EXPECT_LE(problem.line, lines) << problem.to_string() << "\n" << text;
      EXPECT_GE(problem.column, 1) << problem.to_string() << "\n" << text;
    }
  };
  for (std::size_t i = 0; i < whole.size(); ++i) {
    check(whole.substr(0, i));
    for (const char replacement : {'\0', '"', '[', '\n', 'x', '\xff'}) {
      std::string damaged = whole;
      damaged[i] = replacement;
      check(damaged);
    }
  }
  EXPECT_GT(refused, 1000);
}

class GoodFile : public ::testing::TestWithParam<Bad> {};

TEST_P(GoodFile, IsTaken) {
  EXPECT_THAT(problems_of(kSmall + GetParam().text), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Boundaries,
    GoodFile,
    ::testing::Values(
        Bad{"least_stanza", "stanza_bytes_max = 10000\n", {}},
        Bad{"most_stanza", "stanza_bytes_max = \"16MiB\"\n", {}},
        Bad{"most_threads", "[server]\nthreads = 256\n", {}},
        Bad{"longest_socket_path",
            "[server]\ncontrol_socket = \"/" + std::string(106, 'a') + "\"\n",
            {}},
        Bad{"longest_deadline", "authentication_deadline = \"10m\"\n", {}},
        Bad{"client_certificates", "client_ca = \"ca.pem\"\nclient_crl = \"revoked.pem\"\n", {}},
        Bad{"plain_text_on_loopback",
            kSecond + "listen = [\"127.0.0.1:1\", \"[::1]:1\", \"127.255.0.9:0\"]\ntls = \"off\"\n"
                      "hosts = [\"example.org\"]\n",
            {}},
        Bad{"plain_text_behind_a_proxy",
            kSecond + "listen = [\"0.0.0.0:1\"]\ntls = \"off\"\nallow_plain_text = true\n"
                      "hosts = [\"example.org\"]\n",
            {}},
        Bad{"plain_text_needs_no_certificate",
            "[[host]]\nname = \"b.example\"\n" + kSecond +
                "listen = [\"[::1]:1\"]\ntls = \"off\"\nhosts = [\"b.example\"]\n",
            {}},
        Bad{"special_kind_without_hosts_and_auth",
            "[[interface]]\nname = \"special\"\nkind = \"control\"\nlisten = [\"[::1]:1\"]\n",
            {}},
        Bad{"one_socket_for_two_kinds",
            kSecond + "listen = [\"[::]:5222\"]\nhosts = [\"example.org\"]\nkind = \"other\"\n",
            {}},
        Bad{"any_free_port_is_never_shared",
            kSecond + "listen = [\"[::1]:0\"]\nhosts = [\"example.org\"]\n[[interface]]\n"
                      "name = \"third\"\nauth = [\"internal\"]\nlisten = [\"[::1]:0\"]\n"
                      "hosts = [\"example.org\"]\n",
            {}},
        Bad{"international_host", "[[host]]\nname = \"bücher.example\"\n", {}},
        Bad{"contact",
            "[[host]]\nname = \"b.example\"\ncontact.abuse = [\"mailto:a@b.example\"]\n",
            {}}),
    name_of);

}  // namespace
}  // namespace rondel::config::test
