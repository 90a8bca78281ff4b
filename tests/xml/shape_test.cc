// Stanzas that are made from a shape must be what libxml2 would have made of them, or nothing.
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/xml/samples.h"
#include "tests/xml/shapes.h"
#include "xml/shape_scan.h"

namespace rondel::xml {
namespace {

using namespace std::string_view_literals;

TEST(Shape, IsLearnedWhenItComesTheSecondTimeAndMetFromTheThirdOn) {
  ThreadParser parser;
  const auto stanza = [](const std::string& id) {
    return "<message to='juliet@example.org' id='" + id + "'><body>" + id + "</body></message>";
  };
  for (int i = 0; i < 10; ++i) {
    const std::string id = "id" + std::to_string(i * 1000);
    EXPECT_EQ(outcome(parser, stanza(id)), judged_by_libxml2(stanza(id)));
    EXPECT_EQ(parser.counters().shapes_learned, i < 1 ? 0U : 1U);
    EXPECT_EQ(parser.counters().shapes_met, i < 2 ? 0U : i - 1U);
  }
}

TEST(Shape, MakesTheTreeOfEverySampleThatLibxml2Makes) {
  ThreadParser parser;
  std::size_t met = 0;
  for (const std::string& sample : samples()) {
    const std::string expected = judged_by_libxml2(sample);
    ASSERT_NE(expected, "bad");
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(outcome(parser, sample), expected);
    }
    met += is_met(parser, sample) ? 1 : 0;
  }
  EXPECT_GT(met, samples().size() / 2);  // Most are plain.
}

/// Values that may or may not stand in an attribute or a text.
std::vector<std::string> values() {
  std::vector<std::string> all = {"",
                                  " ",
                                  "plain",
                                  "two words",
                                  "it''s",
                                  "say \"x\"",
                                  "a>b",
                                  "a<b",
                                  "a&b",
                                  "&",
                                  "&;",
                                  "&amp;",
                                  "&amp;amp;",
                                  "&lt;&gt;&amp;&quot;&apos;",
                                  "x&lt;",
                                  "&ltx;",
                                  "&lt",
                                  "&#65;",
                                  "&#x1F389;",
                                  "&#0;",
                                  "&nbsp;",
                                  "]]>",
                                  "]]",
                                  "]]&gt;",
                                  "]>",
                                  "a]]>b",
                                  "]] >",
                                  "<b/>",
                                  "</m>",
                                  "<![CDATA[x]]>",
                                  "<!-- c -->",
                                  "<?pi x?>",
                                  "a\tb",
                                  "a\nb",
                                  "a\rb",
                                  "a\r\nb",
                                  "\r",
                                  "\n",
                                  "\xd0\x96",
                                  "Привет, мир 🎉",
                                  "\xef\xbf\xbd",
                                  "\xef\xbf\xbe",
                                  "\xef\xbf\xbf",
                                  "\xef\xb7\x90",
                                  "\xf0\x9f\xbf\xbe",
                                  "\xf4\x8f\xbf\xbf",
                                  "\xf4\x90\x80\x80",
                                  "\xc1\x9c",
                                  "\xc0\x80",
                                  "\xe0\x9f\xbf",
                                  "\xed\xa0\x80",
                                  "\xed\x9f\xbf",
                                  "\xee\x80\x80",
                                  "\xf0\x8f\xbf\xbf",
                                  "\xe2\x82",
                                  "\xe2",
                                  "\xff",
                                  "\xfe",
                                  "\x80",
                                  "\xc2\x80",
                                  "\xc2\x85",
                                  "\xe2\x80\xa8",
                                  "\x7f",
                                  "' b='",
                                  "'/><x a='",
                                  "\" b=\"",
                                  "'",
                                  "\"",
                                  "xmlns='u'",
                                  "a'b",
                                  std::string(1, '\0'),
                                  std::string(15, 'a'),
                                  std::string(16, 'a'),
                                  std::string(17, 'a'),
                                  std::string(31, 'a') + "<",
                                  std::string(15, 'a') + "\xd0\x96",
                                  std::string(16, 'a') + "&amp;",
                                  std::string(3900, 'a'),
                                  std::string(5000, 'a'),
                                  std::string(14, 'a') + "]]>",
                                  std::string(13, ']') + ">",
                                  "\xd0\x96" + std::string(20, 'a') + "\x01",
                                  "\xd0\x96" + std::string(20, 'a') + "\xff"};
  for (int c = 0; c < 256; ++c) {
    all.emplace_back(1, static_cast<char>(c));
    all.push_back("abc" + std::string(1, static_cast<char>(c)) + "def");
  }
  return all;
}

TEST(Shape, TakesExactlyTheValuesThatLibxml2Takes) {
  const std::vector<std::pair<std::string, std::string>> around = {
      {"<message to='", "' id='1'><body>x</body></message>"},
      {"<message to=\"", "\"/>"},
      {"<message><body>", "</body></message>"},
      {"<message>", "<body/></message>"},
      {"<message><body/>", "</message>"},
      {"<message><body>x</body>", "<x xmlns='urn:x'/></message>"},
      {"<p:message xmlns:p='urn:p' p:a='", "'/>"},
      {"<message xml:lang='", "'/>"},
      {"<message xml:space='", "'/>"},
      {"<message xml:id='", "'/>"},
      {"<message xmlns='", "'/>"},
      {"<message xmlns:q='", "' q:a='1'/>"},
  };
  for (const auto& [before, behind] : around) {
    ThreadParser parser;
    ASSERT_TRUE(teach(parser, before + "default" + behind)) << before;
    ASSERT_TRUE(is_met(parser, before + "default" + behind));
    for (const std::string& value : values()) {
      const std::string stanza = before + value + behind;
      EXPECT_EQ(outcome(parser, stanza), judged_by_libxml2(stanza)) << stanza;
      // Whatever came: what is known is still known.
      EXPECT_TRUE(is_met(parser, before + "default" + behind)) << stanza;
    }
  }
}

TEST(Shape, IsNotMistakenForOneWithOtherMarkup) {
  // All of one size, with cuts at the same places.
  const std::vector<std::string> alike = {
      "<message a='1'><body>x</body></message>",  "<message b='1'><body>x</body></message>",
      "<message a='1'><bodz>x</bodz></message>",  "<message a='1'><body>x</bodz></message>",
      "<message a='1'><body>x</body></messagf>",  "<message\ta='1'><body>x</body></message>",
      "<message a='1'><body>x</body ></messag>",  "<m:ssage a='1'><body>x</body></m:ssage>",
      "<message a=\"1\"><body>x</body></message>"};
  ThreadParser parser;
  for (int i = 0; i < 4; ++i) {
    for (const std::string& stanza : alike) {
      EXPECT_EQ(outcome(parser, stanza), judged_by_libxml2(stanza)) << stanza;
    }
  }
}

TEST(Shape, IsNotLearnedWhereWhiteSpaceHidesANameOrAValue) {
  for (const std::string_view equals : {" =", "= ", "\t=", "=\n", " = "}) {
    for (const std::string_view name : {"xmlns", "xmlns:p", "xml:lang", "a"}) {
      ThreadParser parser;
      const auto stanza = [&](const std::string& value) {
        return "<m " + std::string(name) + std::string(equals) + "'" + value + "' b='" + value +
               "'/>";
      };
      EXPECT_FALSE(teach(parser, stanza("urn:q"))) << stanza("urn:q");
      EXPECT_EQ(outcome(parser, stanza("urn:r")), judged_by_libxml2(stanza("urn:r")));
    }
  }
  ShapeScan scan;
  EXPECT_FALSE(scan.read("<m xmlns ='u'/>"));
}

TEST(Shape, BelongsToTheNamespacesOfItsStream) {
  ThreadParser parser;
  const auto other = StreamNamespaces::of("urn:other", {{"p", "urn:p"}});
  const std::string stanza = "<p:m a='1'><b/></p:m>";
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(outcome(parser, stanza, other),
              "<{urn:p}m[{}a=1:1,](<{urn:other}b[]()>)> as "
              "<m xmlns='urn:p' a='1'><b xmlns='urn:other'/></m>");
    EXPECT_EQ(outcome(parser, stanza), "bad");  // Nothing binds p there.
    EXPECT_EQ(outcome(parser, "<m a='1'><b/></m>"),
              "<{jabber:client}m[{}a=1:1,](<{jabber:client}b[]()>)> as <m a='1'><b/></m>");
  }
}

TEST(Shape, LeavesTreesAloneWhenItIsForgotten) {
  ThreadParser parser;
  const std::string stanza =
      "<message xml:lang='de' to='a'><x xmlns='urn:unknown:1' k='v'>t &amp; t</x></message>";
  ASSERT_TRUE(teach(parser, stanza));
  auto tree = parser.parse(stanza, StreamNamespaces::client());
  for (std::size_t size = 1; size < 400; ++size) {
    for (const char last : "abcdefgh"sv) {
      teach(parser, "<message><" + std::string(size, 'e') + last + " a='1'/></message>");
    }
  }
  EXPECT_FALSE(is_met(parser, stanza));
  EXPECT_EQ(described(tree->root()), judged_by_libxml2(stanza));
  EXPECT_EQ(described(tree->clone().root()), judged_by_libxml2(stanza));
}

TEST(Shape, IsLearnedAlsoWhereSeveralOfOneSizeComeInTurns) {
  ThreadParser parser;
  for (int round = 0; round < 8; ++round) {
    for (const std::string_view state : {"active", "paused", "gone", "pausec"}) {
      const std::string stanza = "<message to='a'><" + std::string(state) +
                                 " xmlns='http://jabber.org/protocol/chatstates'/></message>";
      const bool is_known = is_met(parser, stanza);
      EXPECT_TRUE(is_known || round < 5) << state;
    }
  }
}

TEST(Shape, LeavesToLibxml2WhatIsTooLongOrHasTooManyValues) {
  ThreadParser parser;
  std::string many = "<message>";
  for (std::size_t i = 0; i < ShapeScan::kSlotsMax + 1; ++i) {
    many += "<x a='1'/>";
  }
  many += "</message>";
  EXPECT_FALSE(teach(parser, many));
  EXPECT_FALSE(teach(parser, "<message>" + std::string(ShapeScan::kBytesMax, 'x') + "</message>"));
  const std::string full = "<message>" + std::string(ShapeScan::kBytesMax - 19, 'x') + "</message>";
  ASSERT_EQ(full.size(), ShapeScan::kBytesMax);
  EXPECT_TRUE(teach(parser, full));
  EXPECT_EQ(outcome(parser, full), judged_by_libxml2(full));
}

/// One mutation, of the kinds that markup is sensitive to.
std::string mutated(std::string stanza, std::mt19937& random) {
  static const std::vector<std::string> pieces = {
      "<",          ">",      "'",   "\"",           "&",
      "&amp;",      "&lt;",   "]]>", "/>",           "</",
      " ",          "=",      "x",   "\xd0\x96",     "\r",
      "\t",         "\xff",   "<!",  "<?",           "<![CDATA[x]]>",
      " xmlns='u'", " a='1'", ":",   "\xef\xbf\xbe", "é"};
  const std::size_t at = random() % stanza.size();
  switch (random() % 4) {
    case 0:
      return stanza.insert(at, pieces[random() % pieces.size()]);
    case 1:
      return stanza.erase(at, 1 + random() % 4);
    case 2:
      return stanza.replace(at, 1, pieces[random() % pieces.size()]);
    default:
      stanza[at] = static_cast<char>(random());
      return stanza;
  }
}

TEST(Shape, AgreesWithLibxml2OnMutatedStanzas) {
  std::mt19937 random(20261122);
  ThreadParser parser;
  for (int i = 0; i < 60'000; ++i) {
    const std::string& sample = samples()[random() % samples().size()];
    const std::string stanza = mutated(sample, random);
    const std::string expected = judged_by_libxml2(stanza);
    for (int again = 0; again < 3; ++again) {
      ASSERT_EQ(outcome(parser, stanza), expected) << stanza;
    }
  }
  EXPECT_GT(parser.counters().shapes_met, 15'000U);
}

}  // namespace
}  // namespace rondel::xml
