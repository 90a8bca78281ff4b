#include "log/writer/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "log/escape.h"
#include "log/writer/destination.h"

namespace rondel::log {
namespace {

using namespace std::string_view_literals;

std::string rendered(Form form, const LineView& line) {
  std::vector<char> out(kRenderedBytesMax);
  out.resize(render(out, form, line, {.program = "rondeld", .process_id = 4711}));
  return {out.begin(), out.end()};
}

const LineView kLine{.level = Level::info,
                     .time_ns = 1'795'337'749'123'999'999,
                     .interface = "clients",
                     .event = "c2s.bound",
                     .fields = {.jid = "romeo@montague.example",
                                .connection = {3, {7, 9}},
                                .remote_address = "[2001:db8::1]:5000"},
                     .text = "resource=orchard"};

TEST(Render, TextHasTimeLevelInterfaceEventAndFields) {
  EXPECT_EQ(rendered(Form::text, kLine),
            "2026-11-22T08:55:49.123Z info [clients] c2s.bound: resource=orchard "
            "jid=romeo@montague.example "
            "conn=3-7-9 remote=[2001:db8::1]:5000\n");
}

TEST(Render, LeavesOutWhatIsEmpty) {
  const LineView line{.level = Level::error, .time_ns = 0, .event = "x", .text = "y"};
  EXPECT_EQ(rendered(Form::text, line), "1970-01-01T00:00:00.000Z error x: y\n");
  EXPECT_EQ(rendered(Form::prefixed_text, line), "<3>x: y\n");
}

TEST(Render, TimesAreRightAtTheEdgesOfTheCalendar) {
  const auto time_of = [](std::int64_t seconds) {
    return rendered(Form::text, {.time_ns = seconds * 1'000'000'000}).substr(0, 24);
  };
  EXPECT_EQ(time_of(951'782'399), "2000-02-28T23:59:59.000Z");
  EXPECT_EQ(time_of(951'782'400), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(time_of(4'107'542'400), "2100-03-01T00:00:00.000Z");
  EXPECT_EQ(time_of(1'798'761'599), "2026-12-31T23:59:59.000Z");
}

TEST(Render, PrioritiesFollowTheLevel) {
  for (const auto& [level, prefix, syslog] : {std::tuple{Level::error, "<3>"sv, "<27>"sv},
                                              {Level::info, "<6>"sv, "<30>"sv},
                                              {Level::debug, "<7>"sv, "<31>"sv}}) {
    const LineView line{.level = level, .event = "x", .text = "y"};
    EXPECT_EQ(rendered(Form::prefixed_text, line), std::string(prefix) + "x: y\n");
    EXPECT_EQ(rendered(Form::syslog, line), std::string(syslog) + "rondeld[4711]: x: y");
  }
}

TEST(Render, TheJournalGetsStructuredFields) {
  EXPECT_EQ(
      rendered(Form::journal, kLine),
      "MESSAGE=resource=orchard\nPRIORITY=6\nSYSLOG_IDENTIFIER=rondeld\nXMPP_EVENT=c2s.bound\n"
      "XMPP_INTERFACE=clients\nXMPP_JID=romeo@montague.example\nXMPP_CONN=3-7-9\n"
      "XMPP_REMOTE_IP=[2001:db8::1]:5000\n");
}

TEST(Render, TheJournalGetsValuesOfSeveralLinesWithTheirLength) {
  const LineView line{.level = Level::debug, .event = "x", .text = "one\ntwo=\xe2\x82\xac"};
  EXPECT_EQ(
      rendered(Form::journal, line),
      "MESSAGE\n\x0b\0\0\0\0\0\0\0one\ntwo=\xe2\x82\xac\nPRIORITY=7\nSYSLOG_IDENTIFIER=rondeld\nXMPP_EVENT=x\n"sv);
}

TEST(Render, APeerCannotForgeALineOrAField) {
  LineView line{.event = "x", .text = "a\nMESSAGE=b\r\x1b[31m"};
  line.fields.jid = "evil@x/\nPRIORITY=0";
  EXPECT_EQ(rendered(Form::prefixed_text, line),
            "<6>x: a\\nMESSAGE=b\\r\\x1b[31m jid=evil@x/\\nPRIORITY=0\n");
  const std::string journal = rendered(Form::journal, line);
  EXPECT_NE(journal.find("XMPP_JID=evil@x/\\nPRIORITY=0\n"), std::string::npos);
  line.fields.jid = "a@b/r conn=1-2-3 \"q\"";
  EXPECT_EQ(rendered(Form::prefixed_text, line),
            "<6>x: a\\nMESSAGE=b\\r\\x1b[31m jid=\"a@b/r conn=1-2-3 'q'\"\n");
}

TEST(Render, VerbatimLinesStayAsTheyAre) {
  EXPECT_EQ(rendered(Form::verbatim, {.output = 1, .text = "a\tb\\"}), "a\tb\\\n");
  EXPECT_EQ(rendered(Form::verbatim, {.is_cut = true, .output = 1, .text = "a"}), "a [cut]\n");
}

TEST(Render, TheWorstLineFits) {
  const std::string text(kTextBytesMax, '\x01');
  const std::string jid(kJidBytesMax, '\x01');
  const std::string name(kNameBytesMax, '\x01');
  LineView line{.is_cut = true, .time_ns = 1, .interface = name, .event = name, .text = text};
  line.fields = {.jid = jid, .connection = {65535, {0xfffffffe, 0xffffff}}, .remote_address = name};
  for (const Form form : {Form::text, Form::prefixed_text, Form::syslog, Form::journal}) {
    EXPECT_LT(rendered(form, line).size(), kRenderedBytesMax);
    EXPECT_NE(rendered(form, line).find("[cut]"), std::string::npos);
  }
}

TEST(Escape, LeavesTextAloneAndNamesControls) {
  for (const auto& [text, expected] : {std::pair{""sv, ""sv},
                                       {"plain text, \\ too"sv, "plain text, \\ too"sv},
                                       {"gr\xc3\xbc\xc3\x9f"sv, "gr\xc3\xbc\xc3\x9f"sv},
                                       {"\xf0\x9f\x98\x80"sv, "\xf0\x9f\x98\x80"sv},
                                       {"a\nb\tc\rd"sv, "a\\nb\\tc\\rd"sv},
                                       {"\0\x1b\x7f"sv, "\\x00\\x1b\\x7f"sv},
                                       {"\xc2\x9b"sv, "\\xc2\\x9b"sv},
                                       {"\xc2\xa0"sv, "\xc2\xa0"sv},
                                       {"\u2028\u2029"sv, "\\xe2\\x80\\xa8\\xe2\\x80\\xa9"sv},
                                       {"\xff"sv, "\\xff"sv},
                                       {"\xc3"sv, "\\xc3"sv},
                                       {"\xc3x"sv, "\\xc3x"sv},
                                       {"\xc0\x8a"sv, "\\xc0\\x8a"sv},
                                       {"\xe0\x80\x8a"sv, "\\xe0\\x80\\x8a"sv},
                                       {"\xed\xa0\x80"sv, "\\xed\\xa0\\x80"sv},
                                       {"\xf4\x90\x80\x80"sv, "\\xf4\\x90\\x80\\x80"sv}}) {
    char out[64];
    EXPECT_EQ(std::string_view(out, escape_into(out, text)), expected);
    std::string appended = ">";
    append_escaped(appended, text);
    EXPECT_EQ(appended, ">" + std::string(expected));
    EXPECT_EQ(is_harmless(text), text == expected);
  }
}

TEST(Escape, StopsBeforeWhatDoesNotFit) {
  char out[4];
  EXPECT_EQ(escape_into(out, "abc\n"), 3u);
  EXPECT_EQ(escape_into(out, "ab\n"), 4u);
  EXPECT_EQ(escape_into(out, "abcdef"), 4u);
  EXPECT_EQ(escape_into(out, "ab\u20ac"), 2u);
  EXPECT_EQ(escape_into(std::span<char>(), "a"), 0u);
}

TEST(Escape, KeepsLineFeedsOnRequest) {
  char out[16];
  EXPECT_EQ(std::string_view(out, escape_into(out, "a\nb\r", Newlines::kept)), "a\nb\\r");
}

TEST(Destination, ReadsTheFourKinds) {
  using Kind = Destination::Kind;
  EXPECT_EQ(parse_destination("stderr")->kind, Kind::standard_error);
  EXPECT_EQ(parse_destination("journal")->kind, Kind::journal);
  EXPECT_EQ(parse_destination("journal")->path, "/run/systemd/journal/socket");
  EXPECT_EQ(parse_destination("syslog")->path, "/dev/log");
  EXPECT_EQ(parse_destination("file:/var/log/rondel.log")->kind, Kind::file);
  EXPECT_EQ(parse_destination("file:/var/log/rondel.log")->path, "/var/log/rondel.log");
}

TEST(Destination, SaysWhatIsWrongAndWhatIsAllowed) {
  for (const auto& [text, why] : {std::pair{"", "it is empty"},
                                  {"Stderr", "unknown"},
                                  {"file:", "the path is missing"},
                                  {"file:rondel.log", "absolute"},
                                  {"file:/var/log/", "folder"},
                                  {"/var/log/x", "did you mean \"file:/var/log/x\"?"},
                                  {"journald", "did you mean \"journal\"?"}}) {
    const auto result = parse_destination(text);
    ASSERT_FALSE(result) << text;
    EXPECT_THAT(result.error().message, testing::HasSubstr(why));
    EXPECT_THAT(result.error().message, testing::HasSubstr("allowed are \"stderr\""));
  }
  EXPECT_FALSE(parse_destination("file:/a\0b"sv));
}

}  // namespace
}  // namespace rondel::log
