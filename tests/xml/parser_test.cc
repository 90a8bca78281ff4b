#include "xml/parser.h"

#include <gtest/gtest.h>
#include <string>
#include <thread>

#include "tests/xml/canonical.h"
#include "tests/xml/frames.h"
#include "tests/xml/samples.h"
#include "xml/writer.h"

namespace rondel::xml {
namespace {

using namespace std::string_view_literals;

/// What the parser makes of a stanza on a client's stream: its canonical form, or the condition.
std::string outcome(ThreadParser& parser,
                    std::string_view stanza,
                    const StreamNamespaces& namespaces = StreamNamespaces::client()) {
  const auto parsed = parser.parse(stanza, namespaces);
  return parsed ? canonical(parsed->root()) : std::string(condition_name(parsed.error()));
}

TEST(ThreadParser, ReadsWhatLibxml2AndExpatReadInTheWholeStream) {
  ThreadParser parser;
  for (const std::string& sample : samples()) {
    const std::string document =
        "<stream:stream xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams'>" +
        sample + "</stream:stream>";
    const std::string inside = outcome(parser, sample);
    const std::string expected = "<{http://etherx.jabber.org/streams}stream[](" + inside + ")>";
    EXPECT_EQ(canonical_by_libxml2(document), expected) << sample;
    EXPECT_EQ(canonical_by_expat(document), expected) << sample;
  }
}

TEST(ThreadParser, ReadsEveryStanzaThatTheFramerFindsHoweverItComes) {
  ThreadParser parser;
  std::string stream(kHeader);
  for (const std::string& sample : samples()) {
    stream += sample;
  }
  for (std::size_t size = 1; size < 200; size += 3) {
    const auto found = frames_by(size, stream);
    ASSERT_EQ(found.size(), samples().size() + 1);
    for (std::size_t index = 0; index < samples().size(); ++index) {
      EXPECT_EQ(outcome(parser, found[index + 1].bytes), outcome(parser, samples()[index]));
    }
  }
}

TEST(ThreadParser, JoinsTextOfManyPiecesIntoOneNode) {
  ThreadParser parser;
  std::string stanza = "<m>";
  std::string expected;
  for (int index = 0; index < 5000; ++index) {
    stanza += "a&amp;<![CDATA[<]]>\xd0\x96";
    expected += "a&<\xd0\x96";
  }
  const auto parsed = parser.parse(stanza + "</m>", StreamNamespaces::client());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->root().single_text(), expected);
  EXPECT_EQ(parsed->root().first_node()->next(), nullptr);
}

TEST(ThreadParser, ResolvesAmpersandsInValuesOnceAndOnlyOnce) {
  // libxml2 hands SAX "&#38;" for each of them.
  ThreadParser parser;
  EXPECT_EQ(outcome(parser, "<m a='&amp;' b='&#38;&#x26;' c='x&amp;#38;y' d='&amp;amp;&amp;'/>"),
            "<{jabber:client}m[{}a=1:&,{}b=2:&&,{}c=7:x&#38;y,{}d=6:&amp;&,]()>");
  EXPECT_EQ(outcome(parser, "<m xmlns='u?a&amp;b' xmlns:p='v&amp;#38;' p:a='&amp;'/>"),
            "<{u?a&b}m[{v&#38;}a=1:&,]()>");
  EXPECT_EQ(outcome(parser, "<m>&amp;#38;&#38;#38;</m>"), "<{jabber:client}m[](&#38;&#38;)>");
}

TEST(ThreadParser, KeepsWhiteSpaceInContent) {
  ThreadParser parser;
  EXPECT_EQ(outcome(parser, "<m> <b/>\n</m>"), "<{jabber:client}m[]( <{jabber:client}b[]()>\n)>");
}

struct Case {
  std::string_view stanza;
  XmlError error;
};

void PrintTo(const Case& value, std::ostream* out) {
  *out << value.stanza;
}

constexpr XmlError kBad = XmlError::not_well_formed;
constexpr XmlError kRestricted = XmlError::restricted_xml;
constexpr XmlError kEncoding = XmlError::unsupported_encoding;

const std::vector<Case>& bad_stanzas() {
  static const std::vector<Case> all = {
      // references
      {"<m>a & b</m>", kBad},
      {"<m>a &</m>", kBad},
      {"<m a='x & y'/>", kBad},
      {"<m a='&'/>", kBad},
      {"<m>&;</m>", kBad},
      {"<m a='&;'/>", kBad},
      {"<m>&#;</m>", kBad},
      {"<m>&#0;</m>", kBad},
      {"<m a='&#0;'/>", kBad},
      {"<m>&#x1;</m>", kBad},
      {"<m>&#xD800;</m>", kBad},
      {"<m>&#xFFFE;</m>", kBad},
      {"<m>&#x110000;</m>", kBad},
      {"<m>&#99999999999999999999;</m>", kBad},
      {"<m>&lol;</m>", kRestricted},
      {"<m a='&lol;'/>", kRestricted},
      {"<m>&nbsp;</m>", kRestricted},
      // restricted XML, for callers that have no framer in front
      {"<!DOCTYPE m><m/>", kBad},
      {"<m><!DOCTYPE m></m>", kBad},
      {"<m><!-- c --></m>", kRestricted},
      {"<!-- c --><m/>", kRestricted},
      {"<m><?pi x?></m>", kRestricted},
      {"<?pi x?><m/>", kRestricted},
      {"<m><![cdata[x]]></m>", kBad},
      {"<m>]]></m>", kBad},
      {"<m><![CDATA[x</m>", kBad},
      // not UTF-8 (RFC 3629 §4), wherever it may stand: overlong, surrogate, too large, cut off,
      // lone
      {"<m>\xc1\x9c</m>", kEncoding},
      {"<m a='\xc1\x9c'/>", kEncoding},
      {"<\xc1\x9c/>", kEncoding},
      {"<m><![CDATA[\xc1\x9c]]></m>", kEncoding},
      {"<m><![CDATA[\xc0\x80]]></m>", kEncoding},
      {"<m><![CDATA[\xe0\x9f\xbf]]></m>", kEncoding},
      {"<m><![CDATA[\xed\xa0\x80]]></m>", kEncoding},
      {"<m><![CDATA[\xf0\x8f\xbf\xbf]]></m>", kEncoding},
      {"<m><![CDATA[\xf4\x90\x80\x80]]></m>", kEncoding},
      {"<m><![CDATA[\xe2\x82]]></m>", kEncoding},
      {"<m><![CDATA[\xff]]></m>", kEncoding},
      // tags
      {"<m a='<'/>", kBad},
      {"<m a='1'b='2'/>", kBad},
      {"<m a=1/>", kBad},
      {"<m a/>", kBad},
      {"<m a='1' a='2'/>", kBad},
      {"<m xmlns:p='u' xmlns:q='u' p:a='1' q:a='2'/>", kBad},
      {"<m xmlns='u' xmlns='u'/>", kBad},
      {"<m xmlns:p=''/>", kBad},
      {"<m xmlns:xml='u'/>", kBad},
      {"<m xmlns:xmlns='u'/>", kBad},
      {"<m xmlns='http://www.w3.org/XML/1998/namespace'/>", kBad},
      {"<m xmlns='http://www.w3.org/2000/xmlns/'/>", kBad},
      {"<m xmlns:p='http://www.w3.org/2000/xmlns/'/>", kBad},
      {"<a:b:c xmlns:a='u'/>", kBad},
      {"<:m/>", kBad},
      {"<p:m/>", kBad},
      {"<m p:a='1'/>", kBad},
      {"<m><p:b/></m>", kBad},
      {"<m><b xmlns:p='u'/><p:c/></m>", kBad},
      {"<1m/>", kBad},
      {"<m / >", kBad},
      // structure
      {"<m></b>", kBad},
      {"<m><a></m></a>", kBad},
      {"<m><a></b></m>", kBad},
      {"</stream>", kBad},
      {"<m/></stream>", kBad},
      {"<m/><n/>", kBad},
      {"<m/>text", XmlError::not_well_formed},
      {"text<m/>", XmlError::bad_format},
      {"<m>", kBad},
      {"<m", kBad},
      {"<m/", kBad},
      {"", kBad},
      {" ", kBad},
      {"&", kBad},
      // bytes
      {"<m>\0</m>"sv, kBad},
      {"<m>\x01</m>", kBad},
      {"<m>\xff</m>", kEncoding},
      {"<m a='\xff'/>", kEncoding},
      {"<m>\xc0\x80</m>", kEncoding},
      {"<m>\xc1\xbf</m>", kEncoding},
      {"<m>\xe0\x80\xaf</m>", kEncoding},
      {"<m>\xed\xa0\x80</m>", kEncoding},
      {"<m>\xf4\x90\x80\x80</m>", kEncoding},
      {"<m>\xf8\x88\x80\x80\x80</m>", kEncoding},
      {"<m>\xef\xbf\xbe</m>", kBad},
      {"<m>\xef\xbf\xbf</m>", kBad},
      {"<m>\xd0</m>", kEncoding},
      {"<m>\xf0\x9f\x8e</m>", kEncoding},
      {"<m a='\xd0'/>", kEncoding},
      {"<m xmlns='urn:\xff'/>", kEncoding},
      {"<m\xff/>", kEncoding},
      {"<m xmlns='a\x0c"
       "b'/>",
       kBad},
  };
  return all;
}

class BadStanzas : public testing::TestWithParam<Case> {};

TEST_P(BadStanzas, AreRefusedWithTheirConditionAndLeaveNoTrace) {
  ThreadParser parser;
  const std::string before = outcome(parser, kMessage);
  const auto parsed = parser.parse(GetParam().stanza, StreamNamespaces::client());
  ASSERT_FALSE(parsed) << canonical(parsed->root());
  EXPECT_EQ(parsed.error(), GetParam().error) << condition_name(parsed.error());
  // Another connection's stanza, with the ; that a waiting reference would take for its end.
  EXPECT_EQ(outcome(parser, "<n>x;y</n>"), "<{jabber:client}n[](x;y)>");
  EXPECT_EQ(outcome(parser, kMessage), before);
}

INSTANTIATE_TEST_SUITE_P(All, BadStanzas, testing::ValuesIn(bad_stanzas()));

TEST(BadStanzas, DisturbNoneOfAThousandOtherConnections) {
  ThreadParser parser;
  const std::string expected = outcome(parser, kMessage);
  for (const Case& bad : bad_stanzas()) {
    ASSERT_FALSE(parser.parse(bad.stanza, StreamNamespaces::client())) << bad.stanza;
    for (int connection = 0; connection < 1000; ++connection) {
      ASSERT_EQ(outcome(parser, kMessage), expected) << bad.stanza;
    }
  }
  EXPECT_EQ(parser.counters().contexts_discarded, bad_stanzas().size());
}

TEST(BadStanzas, AreRefusedTheSameAsStandaloneDocuments) {
  for (std::string_view text : {"", "  ", "<a", "<a/><b/>", "<!DOCTYPE a><a/>", "<p:a/>",
                                "<a>&lol;</a>", "x<a/>", "<a/>x", "<?xml version='1.0'?><a/>"}) {
    EXPECT_FALSE(parse_standalone(text)) << text;
  }
  EXPECT_TRUE(parse_standalone("\n <a/> \n"));
}

TEST(ThreadParser, RefusesADepthThatNoFramerAdmits) {
  ThreadParser parser;
  std::string deep;
  for (int level = 0; level < 100'000; ++level) {
    deep += "<a>";
  }
  EXPECT_EQ(outcome(parser, deep), "policy-violation");
  EXPECT_EQ(outcome(parser, "<n/>"), "<{jabber:client}n[]()>");
}

TEST(ThreadParser, RefusesNamesBeyondLibxml2sLimit) {
  ThreadParser parser;
  EXPECT_EQ(outcome(parser, "<" + std::string(60'000, 'n') + "/>"), "not-well-formed");
  EXPECT_EQ(outcome(parser, "<n/>"), "<{jabber:client}n[]()>");
}

TEST(ThreadParser, AcceptsLargeTextsAndAttributesWithinTheClientLimit) {
  ThreadParser parser;
  const std::string big(250'000, 'x');
  const auto text = parser.parse("<m>" + big + "</m>", StreamNamespaces::client());
  ASSERT_TRUE(text);
  EXPECT_EQ(text->root().single_text(), big);
  const auto value = parser.parse("<m a='" + big + "'/>", StreamNamespaces::client());
  ASSERT_TRUE(value);
  EXPECT_EQ(value->root().attribute("a"), big);
}

TEST(ThreadParser, SurvivesTexts_AttributesAndTagsOfTwelveMegabytes) {
  ThreadParser parser;
  const std::string huge(12'000'000, 'x');
  EXPECT_EQ(outcome(parser, "<m a='" + huge + "'/>"), "not-well-formed");
  EXPECT_EQ(outcome(parser, "<n/>"), "<{jabber:client}n[]()>");
  static_cast<void>(parser.parse("<m>" + huge + "</m>", StreamNamespaces::client()));
  EXPECT_EQ(outcome(parser, "<n/>"), "<{jabber:client}n[]()>");
}

TEST(ThreadParser, KeepsTheNamespacesOfStreamsApart) {
  ThreadParser parser;
  const auto prefixed = StreamNamespaces::of("jabber:client", {{"p", "urn:p"}, {"q", "urn:'&<"}});
  for (int round = 0; round < 50; ++round) {
    EXPECT_EQ(outcome(parser, "<m/>"), "<{jabber:client}m[]()>");
    EXPECT_EQ(outcome(parser, "<m/>", StreamNamespaces::server()), "<{jabber:server}m[]()>");
    EXPECT_EQ(outcome(parser, "<m/>", StreamNamespaces::none()), "<{}m[]()>");
    EXPECT_EQ(outcome(parser, "<p:m q:a='1'/>", prefixed), "<{urn:p}m[{urn:'&<}a=1:1,]()>");
    EXPECT_EQ(outcome(parser, "<db:result/>", StreamNamespaces::server()),
              "<{jabber:server:dialback}result[]()>");
  }
  EXPECT_EQ(parser.counters().contexts_created, 4U);
  EXPECT_EQ(outcome(parser, "<p:m/>"), "not-well-formed");
  EXPECT_EQ(outcome(parser, "<db:result/>"), "not-well-formed");
}

TEST(ThreadParser, HoldsEightContextsAtMost) {
  ThreadParser parser;
  const auto number = [](int index) {
    return StreamNamespaces::of("urn:n" + std::to_string(index), {});
  };
  for (int round = 0; round < 3; ++round) {
    for (int index = 0; index < 8; ++index) {
      EXPECT_EQ(outcome(parser, "<m/>", number(index)),
                "<{urn:n" + std::to_string(index) + "}m[]()>");
    }
  }
  EXPECT_EQ(parser.counters().contexts_created, 8U);
  EXPECT_EQ(outcome(parser, "<m/>", number(8)), "<{urn:n8}m[]()>");  // pushes out number 0
  EXPECT_EQ(outcome(parser, "<m/>", number(1)), "<{urn:n1}m[]()>");
  EXPECT_EQ(parser.counters().contexts_created, 9U);
  EXPECT_EQ(outcome(parser, "<m/>", number(0)), "<{urn:n0}m[]()>");
  EXPECT_EQ(parser.counters().contexts_created, 10U);
}

TEST(ThreadParser, WorksOnSeveralThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::array<int, 4> wrong{};
  for (int& count : wrong) {
    threads.emplace_back([&count] {
      ThreadParser parser;
      const std::string expected = outcome(parser, kMessage);
      for (int round = 0; round < 500; ++round) {
        count += outcome(parser, round % 7 == 0 ? "<m>& " : kMessage) !=
                 (round % 7 == 0 ? "not-well-formed" : expected);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, (std::array<int, 4>{}));
}

TEST(ThreadParser, SaysNothingOnStandardError) {
  testing::internal::CaptureStderr();
  ThreadParser parser;
  static_cast<void>(outcome(parser, "<m xmlns='eu.siacs.conversations.axolotl'><p:x/></m>"));
  static_cast<void>(outcome(parser, "<m xmlns=' '>&lol;"));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(ThreadParser, AcceptsNamespacesThatAreNoUris) {
  ThreadParser parser;
  EXPECT_EQ(outcome(parser, "<m xmlns='eu.siacs.conversations.axolotl'/>"),
            "<{eu.siacs.conversations.axolotl}m[]()>");
  EXPECT_EQ(outcome(parser, "<m xmlns=' '/>"), "<{ }m[]()>");
  EXPECT_EQ(outcome(parser, "<m xmlns='%%%:'/>"), "<{%%%:}m[]()>");
}

}  // namespace
}  // namespace rondel::xml
