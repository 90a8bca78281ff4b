#include <arpa/inet.h>
#include <csignal>
#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/wait.h>
#include <unistd.h>

#include "perf/load/addresses.h"
#include "perf/load/charts.h"
#include "perf/load/options.h"
#include "perf/load/process_watch.h"
#include "perf/load/rings.h"
#include "perf/load/run.h"
#include "perf/load/scram.h"
#include "perf/load/stanza_head.h"
#include "perf/load/texts.h"

namespace rondel::load {
namespace {

using ::testing::HasSubstr;

TEST(StanzaHead, ReadsAttributesInEitherQuotesAndAnyOrder) {
  const StanzaHead head(
      "<message to=\"a@b\" from='it&apos;s@b/\"x\"' xml:lang='en' type='chat'\n\tid='i>1'><body/>");
  EXPECT_EQ(head.name, "message");
  EXPECT_EQ(head.id, "i>1");
  EXPECT_EQ(head.type, "chat");
  EXPECT_EQ(head.from, "it&apos;s@b/\"x\"");
}

TEST(StanzaHead, EndsWithTheStartTag) {
  const std::string_view text = "<iq id='1' type='result'><query id='2' type='x'/></iq>";
  const StanzaHead head(text);
  EXPECT_EQ(head.id, "1");
  EXPECT_EQ(text.substr(0, head.size), "<iq id='1' type='result'>");
}

TEST(StanzaHead, TakesElementsWithoutAttributes) {
  for (const char* text : {"<presence/>", "<presence />", "<presence></presence>"}) {
    const StanzaHead head(text);
    EXPECT_EQ(head.name, "presence") << text;
    EXPECT_TRUE(head.id.empty()) << text;
  }
}

TEST(StanzaHead, DoesNotTakeOtherNamesForIds) {
  const StanzaHead head("<message xid='no' stanza-id='no' p:id='no' type='chat'/>");
  EXPECT_TRUE(head.id.empty());
  EXPECT_EQ(head.type, "chat");
}

TEST(RingPlan, IsOneRingAsLongAsTheSessionsFitIntoTheOpenFiles) {
  for (const auto& [sessions, files] : {std::pair(1U, 1024U), {900U, 1024U}, {19'000U, 20'000U}}) {
    const RingPlan plan = RingPlan::of(sessions, files, true);
    EXPECT_EQ(plan.rings, 1U) << sessions;
    EXPECT_EQ(plan.kept_max, 0U) << sessions;
  }
}

TEST(RingPlan, HasAPlaceForEverySession) {
  for (const auto& [sessions, files, rings] : {std::tuple(20'000U, 20'000U, 1U),
                                               {20'001U, 20'000U, 2U},
                                               {100'000U, 20'000U, 5U},
                                               {400U, 120U, 4U},
                                               {100'000U, 1024U, 98U},
                                               {2'000'000U, 4'000'000U, 1U},
                                               {4'000'000U, 2'000'000U, 4U}}) {
    const RingPlan plan = RingPlan::of(sessions, files, true);
    EXPECT_EQ(plan.rings, rings) << sessions;
    EXPECT_TRUE(plan.kept_max == 0 || plan.rings * plan.kept_max >= sessions) << sessions;
    EXPECT_LE(plan.kept_max, files) << sessions;
  }
}

TEST(RingPlan, LeavesOpenFilesToThoseWhoLogIn) {
  const RingPlan plan = RingPlan::of(1'000'000, 1024, true);
  EXPECT_EQ(plan.rings, 128U);  // Each has two open files itself.
  EXPECT_EQ(RingPlan::of(4'000'000, 10'000, true).rings, 256U);
}

TEST(RingPlan, IsOneRingWhereSocketsLeaveATableLate) {
  const RingPlan plan = RingPlan::of(100'000, 1024, false);
  EXPECT_EQ(plan.rings, 1U);
  EXPECT_EQ(plan.kept_max, 0U);
}

TEST(Texts, AreAsLongAsAskedAndMeanThemselves) {
  for (const unsigned bytes : {1U, 64U, 1000U}) {
    const Texts texts(bytes, 3);
    for (std::uint64_t number = 0; number < 100; ++number) {
      EXPECT_EQ(unescaped(texts.wire(number)).size(), bytes);
      EXPECT_TRUE(texts.is_same(number, texts.wire(number)));
    }
  }
}

TEST(Texts, MeanTheSameHoweverAServerEscapesThem) {
  const Texts texts(0, 3);
  for (std::uint64_t number = 0; number < 100; ++number) {
    std::string numeric;
    for (const char c : unescaped(texts.wire(number))) {
      numeric += c == '&' ? "&#38;" : c == '<' ? "&#x3C;" : c == '\'' ? "&#39;" : std::string(1, c);
    }
    EXPECT_TRUE(texts.is_same(number, numeric)) << numeric;
  }
}

TEST(Texts, FindADifference) {
  const Texts texts(0, 3);
  const std::string text(texts.wire(5));
  EXPECT_FALSE(texts.is_same(5, text.substr(1)));
  EXPECT_FALSE(texts.is_same(5, text + " "));
  EXPECT_FALSE(texts.is_same(6, text));
}

TEST(Addresses, TakeNumericOnesWithAPort) {
  EXPECT_EQ(parse_address("127.0.0.1:5222").value().ss_family, AF_INET);
  EXPECT_EQ(parse_address("[::1]:5222").value().ss_family, AF_INET6);
  for (const char* text : {"", "5222", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999",
                           "::1:5222", "example.org:5222", ":5222"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
}

TEST(Addresses, CountSourcesFromFirstToLast) {
  const auto sources = parse_sources("127.0.0.254-127.0.1.2");
  ASSERT_TRUE(sources);
  std::vector<std::string> texts;
  for (const sockaddr_storage& source : *sources) {
    sockaddr_in address{};
    std::memcpy(&address, &source, sizeof(address));
    char text[INET_ADDRSTRLEN];
    texts.emplace_back(inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text)));
  }
  EXPECT_THAT(texts, ::testing::ElementsAre("127.0.0.254", "127.0.0.255", "127.0.1.0", "127.0.1.1",
                                            "127.0.1.2"));
  EXPECT_EQ(parse_sources("").value().size(), 1U);
  EXPECT_FALSE(parse_sources("127.0.0.9-127.0.0.2"));
  EXPECT_FALSE(parse_sources("localhost"));
}

// RFC 7677 §3 and RFC 5802 §5 with a nonce of ours can't be repeated; a server made of the same
// digests answers instead in tests/load/erring_server.py and tests/load/scenarios.py.
TEST(ScramClient, RefusesAChallengeThatIsNone) {
  ScramKeys keys;
  for (const char* text : {"", "r=x,s=QQ==,i=4096", "s=QQ==,i=4096", "e=other-error"}) {
    ScramClient client(xmpp::ScramHash::sha_256, "u", "p");
    EXPECT_FALSE(client.answer(text, keys)) << text;
    EXPECT_FALSE(client.is_signed("v=")) << text;
  }
  EXPECT_EQ(keys.derivations(), 0U);
}

TEST(ScramKeys, AreDerivedOnceForEachPasswordSaltAndCount) {
  ScramKeys keys;
  const std::string first = keys.get(xmpp::ScramHash::sha_256, "secret", "salt", 4096).client;
  EXPECT_EQ(keys.get(xmpp::ScramHash::sha_256, "secret", "salt", 4096).client, first);
  EXPECT_EQ(keys.derivations(), 1U);
  EXPECT_NE(keys.get(xmpp::ScramHash::sha_256, "secrets", "alt", 4096).client, first);
  EXPECT_NE(keys.get(xmpp::ScramHash::sha_256, "secret", "salt", 4097).client, first);
  EXPECT_NE(keys.get(xmpp::ScramHash::sha_1, "secret", "salt", 4096).client, first);
  EXPECT_EQ(keys.derivations(), 4U);
}

TEST(ScramKeys, ComeBackFromAFile) {
  const std::string path = ::testing::TempDir() + "/scram-keys";
  ScramKeys keys;
  const std::string key = keys.get(xmpp::ScramHash::sha_1, "secret", "salt", 4096).server;
  ASSERT_TRUE(keys.save(path));
  ScramKeys others;
  others.load(path);
  EXPECT_EQ(others.get(xmpp::ScramHash::sha_1, "secret", "salt", 4096).server, key);
  EXPECT_EQ(others.derivations(), 0U);
}

TEST(ProcessWatch, SeesThisProcess) {
  ProcessWatch watch({getpid()}, {});
  watch.refresh();
  ASSERT_EQ(watch.processes(), 1U);
  const ProcessTime before = watch.time();
  const double own_before = own_cpu_seconds();
  volatile std::uint64_t sum = 0;
  while (own_cpu_seconds() < own_before + 0.1) {
    sum = sum + 1;
  }
  const double used = watch.time().total_s - before.total_s;
  EXPECT_GE(used, 0.1);
  EXPECT_LT(used, 0.3);
  const double glanced = watch.cpu_seconds();
  EXPECT_GE(glanced, before.total_s + used);
  EXPECT_LT(glanced, before.total_s + used + 0.1);
  ASSERT_TRUE(watch.memory());
  EXPECT_GT(watch.memory()->private_dirty, 100'000U);
  EXPECT_GE(watch.memory()->rss, watch.memory()->pss);
}

TEST(ProcessWatch, FindsDescendantsAndNames) {
  const pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    if (fork() == 0) {
      pause();
    }
    pause();
  }
  ProcessWatch watch({getpid()}, {"init", "no such name"});
  for (int i = 0; i < 500 && watch.processes() < 3; ++i) {
    usleep(10'000);
    watch.refresh();
  }
  EXPECT_GE(watch.processes(), 3U);
  kill(-child, SIGKILL);  // Both: they are a group of their own.
  waitpid(child, nullptr, 0);
}

TEST(Charts, WriteValuesAsPeopleReadThem) {
  EXPECT_EQ(with_unit(12.34, Unit::microseconds), "12.3 µs");
  EXPECT_EQ(with_unit(4259.8, Unit::microseconds), "4.26 ms");
  EXPECT_EQ(with_unit(2048, Unit::bytes), "2 KiB");
  EXPECT_EQ(with_unit(138'625, Unit::per_second), "139 k/s");
  EXPECT_EQ(with_unit(7.25, Unit::percent), "7.25 %");
  EXPECT_EQ(with_unit(0, Unit::plain), "0");
}

TEST(Charts, EscapeWhatTheyAreGiven) {
  const std::string figure = figure_of(
      BarChart{"<script>", "a & b", Unit::plain, {{"x' onload='alert(1)", 0, 1}, {"y", 1, 2}}});
  EXPECT_EQ(figure.find("<script>"), std::string::npos);
  EXPECT_EQ(figure.find("' onload"), std::string::npos);
  EXPECT_THAT(figure, HasSubstr("a &amp; b"));
}

TEST(Charts, ShowNothingWhereThereIsNothing) {
  EXPECT_EQ(figure_of(BarChart{"t", "n", Unit::plain, {}}), "");
  EXPECT_EQ(figure_of(BarChart{"t", "n", Unit::plain, {{"alone", 0, 1}}}), "");
  EXPECT_EQ(figure_of(LineChart{"t", "n", Unit::plain, {Line{"a", 0, false, {}}}}), "");
}

struct Usage {
  std::vector<const char*> words;
  const char* problem;
};

TEST(CommandLine, SaysWhatIsWrong) {
  const std::vector<const char*> good{"rondel-load",    "chat",     "--server",
                                      "127.0.0.1:5222", "--domain", "localhost"};
  const std::vector<Usage> usages{
      {{}, "--password"},
      {{"--password", "p", "--password-file", "/dev/null"}, "--password"},
      {{"--password", "p", "--accounts", "/dev/null"}, "--accounts"},
      {{"--password", "p", "--tls", "maybe"}, "--tls"},
      {{"--password", "p", "--pipeline", "4"}, "--window"},
      {{"--password", "p", "--users", "1"}, "--users"},
      {{"--password", "p", "--partners", "random", "--users", "8"}, "--contacts"},
      {{"--password", "p", "--nonsense"}, "--nonsense"}};
  for (const Usage& usage : usages) {
    std::vector<const char*> words = good;
    words.insert(words.end(), usage.words.begin(), usage.words.end());
    const auto line = parse_command_line(static_cast<int>(words.size()), words.data());
    ASSERT_FALSE(line) << usage.problem;
    EXPECT_EQ(line.error().code, kExitUsage);
    EXPECT_THAT(line.error().text, HasSubstr(usage.problem));
  }
}

TEST(CommandLine, ReadsAScenarioWithItsOptions) {
  const std::vector<const char*> words{
      "rondel-load", "presence", "--server", "[::1]:5223", "--domain",      "example.org",
      "--tls",       "direct",   "--users",  "1002",       "--subscribers", "500",
      "--password",  "pw{}",     "--pid",    "12",         "--pid",         "13"};
  const auto line = parse_command_line(static_cast<int>(words.size()), words.data());
  ASSERT_TRUE(line) << line.error().text;
  EXPECT_EQ(line->options.scenario, "presence");
  EXPECT_EQ(line->options.tls, TlsMode::direct);
  EXPECT_EQ(line->options.subscribers, 500U);
  EXPECT_THAT(line->options.pids, ::testing::ElementsAre(12, 13));
  EXPECT_FALSE(line->is_page);
}

TEST(CommandLine, HelpIsNoError) {
  const std::vector<const char*> words{"rondel-load", "chat", "--help"};
  const auto line = parse_command_line(static_cast<int>(words.size()), words.data());
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code, kExitClean);
  EXPECT_THAT(line.error().text, HasSubstr("--window"));
}

}  // namespace
}  // namespace rondel::load
