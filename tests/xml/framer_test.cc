#include "xml/framer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

#include "tests/xml/frames.h"
#include "tests/xml/samples.h"
#include "xml/byte_masks.h"

namespace rondel::xml {
namespace {

std::string whole_stream() {
  std::string stream(kHeader);
  for (const std::string& sample : samples()) {
    stream += sample;
    stream += "\n \t\r";
  }
  return stream + "</stream:stream>";
}

std::vector<Frame> expected_frames() {
  std::vector<Frame> expected{
      {FrameKind::stream_open, XmlError::not_well_formed, std::string(kHeader)}};
  for (const std::string& sample : samples()) {
    expected.push_back({FrameKind::stanza, XmlError::not_well_formed, sample});
  }
  expected.push_back({FrameKind::stream_close, XmlError::not_well_formed, "</stream:stream>"});
  return expected;
}

TEST(Framer, IsSmallEnoughForEveryIdleConnection) {
  EXPECT_LE(sizeof(Framer), 64U);
}

TEST(Framer, FindsHeaderStanzasAndEndInOneBuffer) {
  EXPECT_EQ(frames_whole(whole_stream()), expected_frames());
}

TEST(Framer, FindsTheSameInPiecesOfEverySize) {
  const std::string stream = whole_stream();
  for (std::size_t size : {1, 2, 3, 5, 7, 16, 31, 32, 33, 63, 64, 65, 100, 255, 256, 257, 1460}) {
    EXPECT_EQ(frames_by(size, stream), expected_frames()) << "pieces of " << size;
  }
}

TEST(Framer, FindsTheSameWhereverTheStreamIsCutInTwo) {
  for (const std::string& sample : samples()) {
    const std::string stream = std::string(kHeader) + sample + "</stream:stream>";
    const auto expected = frames_whole(stream);
    ASSERT_EQ(expected.size(), 3U) << sample;
    for (std::size_t cut = 1; cut < stream.size(); ++cut) {
      bool is_first = true;
      const auto next = [&] { return std::exchange(is_first, false) ? cut : stream.size(); };
      ASSERT_EQ(frames(stream, next), expected) << sample << " cut at " << cut;
    }
  }
}

TEST(Framer, FindsTheSameInPiecesOfRandomSize) {
  const std::string stream = whole_stream();
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::uniform_int_distribution<std::size_t> size(1, round % 2 == 0 ? 20 : 400);
    ASSERT_EQ(frames(stream, [&] { return size(random); }), expected_frames()) << round;
  }
}

TEST(Framer, KeepsNothingBetweenStanzas) {
  Framer framer;
  const auto feed = [&framer](std::string_view text) {
    return framer.feed(base::as_bytes(text), base::kClientLimits);
  };
  EXPECT_EQ(feed(kHeader).kind, FrameKind::stream_open);
  EXPECT_FALSE(framer.is_partial());
  const FrameEvent keep_alive = feed(" \n<iq/>");
  EXPECT_EQ(keep_alive.kind, FrameKind::whitespace);
  EXPECT_EQ(keep_alive.consumed, 2U);
  EXPECT_FALSE(framer.is_partial());
  EXPECT_EQ(feed("<iq>").kind, FrameKind::need_more);
  EXPECT_TRUE(framer.is_partial());
  EXPECT_EQ(feed("</iq>").kind, FrameKind::stanza);
  EXPECT_FALSE(framer.is_partial());
  EXPECT_EQ(feed("").kind, FrameKind::need_more);
}

TEST(Framer, CountsTheElementsOfEachStanza) {
  Framer framer = Framer::inside_stream();
  EXPECT_EQ(framer.feed(base::as_bytes("<a><b/><c><d/></c></a><e/>"), kWideLimits).consumed, 22U);
  EXPECT_EQ(framer.element_count(), 4U);
  EXPECT_EQ(framer.feed(base::as_bytes("<e/>"), kWideLimits).kind, FrameKind::stanza);
  EXPECT_EQ(framer.element_count(), 1U);
}

TEST(Framer, ExpectsANewHeaderAfterReset) {
  Framer framer;
  ASSERT_EQ(framer.feed(base::as_bytes(kHeader), kWideLimits).kind, FrameKind::stream_open);
  framer.reset();
  EXPECT_EQ(framer.feed(base::as_bytes(kHeader), kWideLimits).kind, FrameKind::stream_open);
}

TEST(Framer, SkipsWhiteSpaceInFrontOfARestartedStream) {
  const auto found = frames_by(1, "\n" + std::string(kHeader));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].bytes, kHeader);
}

struct ErrorCase {
  std::string_view stream;  ///< Behind the header, unless it starts one itself.
  XmlError error;
};

void PrintTo(const ErrorCase& value, std::ostream* out) {
  *out << value.stream.substr(0, 60);
}

class FramerErrors : public testing::TestWithParam<ErrorCase> {};

TEST_P(FramerErrors, AreTheSameHoweverTheBytesCome) {
  const Frame whole = frames_whole(GetParam().stream).back();
  EXPECT_EQ(whole.kind, FrameKind::error);
  EXPECT_EQ(whole.error, GetParam().error) << condition_name(whole.error);
  EXPECT_EQ(frames_by(1, GetParam().stream).back(), whole);
  EXPECT_EQ(frames_by(3, GetParam().stream).back(), whole);
}

using namespace std::string_view_literals;

INSTANTIATE_TEST_SUITE_P(
    AtTheStart,
    FramerErrors,
    testing::Values(
        ErrorCase{"<!DOCTYPE a>", XmlError::restricted_xml},
        ErrorCase{"<!-- c -->", XmlError::restricted_xml},
        ErrorCase{"<?pi x?>", XmlError::restricted_xml},
        ErrorCase{"<?xml-stylesheet href='x'?>", XmlError::restricted_xml},
        ErrorCase{"<?xml version='1.0'?><?xml version='1.0'?>", XmlError::restricted_xml},
        ErrorCase{"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]>", XmlError::restricted_xml},
        ErrorCase{"<?xml <", XmlError::not_well_formed},
        ErrorCase{"<![CDATA[x]]>", XmlError::not_well_formed},
        ErrorCase{"GET / HTTP/1.1\r\n", XmlError::not_well_formed},
        ErrorCase{"</stream:stream>", XmlError::not_well_formed},
        ErrorCase{"<stream:stream/>", XmlError::bad_format},
        ErrorCase{"<a b='<'>", XmlError::not_well_formed},
        ErrorCase{"<a <b>", XmlError::not_well_formed},
        ErrorCase{"\xef\xbb\xbf<a>", XmlError::not_well_formed},        // RFC 6120 §11.6
        ErrorCase{"\xff\xfe<\0?\0"sv, XmlError::unsupported_encoding},  // UTF-16, little endian
        ErrorCase{"\xfe\xff\0<\0?"sv, XmlError::unsupported_encoding},  // UTF-16, big endian
        ErrorCase{"<\0?\0x\0"sv, XmlError::unsupported_encoding},
        ErrorCase{"\0<\0?\0x"sv, XmlError::unsupported_encoding},
        ErrorCase{"\0\0\xfe\xff"sv, XmlError::unsupported_encoding},
        ErrorCase{"\xff\xfe\0\0"sv, XmlError::unsupported_encoding}));

INSTANTIATE_TEST_SUITE_P(
    InTheStream,
    FramerErrors,
    testing::Values(ErrorCase{"<s>text", XmlError::bad_format},
                    ErrorCase{"<s><a/>&amp;", XmlError::bad_format},
                    ErrorCase{"<s><![CDATA[ ]]>", XmlError::bad_format},
                    ErrorCase{"<s><!DOCTYPE a>", XmlError::restricted_xml},
                    ErrorCase{"<s><a><!DOCTYPE a>", XmlError::restricted_xml},
                    ErrorCase{"<s><a><!ENTITY lol 'lol'>", XmlError::restricted_xml},
                    ErrorCase{"<s><a><!-- x --></a>", XmlError::restricted_xml},
                    ErrorCase{"<s><a><!-", XmlError::restricted_xml},
                    ErrorCase{"<s><!-- x -->", XmlError::restricted_xml},
                    ErrorCase{"<s><a><?pi?></a>", XmlError::restricted_xml},
                    ErrorCase{"<s><?xml version='1.0'?>", XmlError::restricted_xml},
                    ErrorCase{"<s><a><![cdata[x]]>", XmlError::restricted_xml},
                    ErrorCase{"<s><a><![CDATB[x]]>", XmlError::restricted_xml},
                    ErrorCase{"<s><a b='<'/>", XmlError::not_well_formed},
                    ErrorCase{"<s><a b=\"<\"/>", XmlError::not_well_formed},
                    ErrorCase{"<s><a<b/>", XmlError::not_well_formed},
                    ErrorCase{"<s><a></a<b>", XmlError::not_well_formed},
                    ErrorCase{"<s><<a/>", XmlError::not_well_formed},
                    ErrorCase{"<s><>", XmlError::not_well_formed},
                    ErrorCase{"<s>< a/>", XmlError::not_well_formed},
                    ErrorCase{"<s></t>", XmlError::not_well_formed},
                    ErrorCase{"<s><a></a></b></s>", XmlError::not_well_formed},
                    ErrorCase{"<s></s></s>", XmlError::not_well_formed},
                    ErrorCase{"<s></s>x", XmlError::not_well_formed},
                    ErrorCase{"<s></s> <a/>", XmlError::not_well_formed}));

TEST(Framer, RepeatsItsErrorForEver) {
  Framer framer = Framer::inside_stream();
  ASSERT_EQ(framer.feed(base::as_bytes("<a><!--"), kWideLimits).kind, FrameKind::error);
  for (std::string_view more : {"<a/>", " ", ""}) {
    const FrameEvent again = framer.feed(base::as_bytes(more), kWideLimits);
    EXPECT_EQ(again.kind, FrameKind::error);
    EXPECT_EQ(again.error, XmlError::restricted_xml);
  }
}

TEST(Framer, EndsWithTheRootsOwnNameOnly) {
  for (std::string_view end : {"</stream:stream>", "</stream:stream  \n>"}) {
    EXPECT_EQ(frames_by(1, std::string(kHeader) + std::string(end)).back().kind,
              FrameKind::stream_close);
  }
  for (std::string_view end : {"</stream:strean>", "</stream>", "</stream:stream2>", "</>"}) {
    EXPECT_EQ(frames_by(1, std::string(kHeader) + std::string(end)).back().kind, FrameKind::error);
  }
}

TEST(Framer, AllowsWhiteSpaceBehindTheEnd) {
  EXPECT_EQ(frames_by(2, "<s></s> \n").back().kind, FrameKind::stream_close);
}

TEST(Framer, LeavesAnExtraEndTagInsideAStanzaToTheParser) {
  // Depth comes back to 1 too early; what is cut off is refused there.
  const auto found = frames_whole("<s><m><a></b></m></s>");
  EXPECT_EQ(found.at(1).bytes, "<m><a></b></m>");
}

// --- limits, each at its boundary ---

std::string nested(std::size_t depth) {
  std::string text;
  for (std::size_t level = 0; level < depth; ++level) {
    text += "<a>";
  }
  for (std::size_t level = 0; level < depth; ++level) {
    text += "</a>";
  }
  return text;
}

std::string with_attributes(std::size_t count) {
  std::string text = "<a";
  for (std::size_t index = 0; index < count; ++index) {
    text += " a" + std::to_string(index) + (index % 2 == 0 ? "='1'" : "=\"2\"");
  }
  return text + "/>";
}

std::string with_elements(std::size_t count) {
  std::string text = "<a>";
  for (std::size_t index = 1; index < count; ++index) {
    text += "<b/>";
  }
  return text + "</a>";
}

std::string of_size(std::size_t bytes) {
  return "<a>" + std::string(bytes - 7, '.') + "</a>";
}

void expect_limit(const std::string& allowed,
                  const std::string& refused,
                  const base::StanzaLimits& limits) {
  for (std::size_t size : {std::size_t{1}, std::size_t{1460}, refused.size()}) {
    const auto good = frames_by(size, allowed + allowed, limits, Framer::inside_stream());
    EXPECT_EQ(good.size(), 2U);
    EXPECT_EQ(good.back().kind, FrameKind::stanza);
    const auto bad = frames_by(size, refused, limits, Framer::inside_stream());
    ASSERT_EQ(bad.size(), 1U);
    EXPECT_EQ(bad[0].kind, FrameKind::error);
    EXPECT_EQ(bad[0].error, XmlError::policy_violation);
  }
}

TEST(FramerLimits, HoldForDepth) {
  expect_limit(nested(8), nested(9), base::kUnauthenticatedLimits);
  expect_limit(nested(64), nested(65), base::kClientLimits);
  expect_limit(nested(64), nested(100'000), {1 << 20, 64, 64, 4096});
}

TEST(FramerLimits, HoldForAttributes) {
  expect_limit(with_attributes(16), with_attributes(17), base::kUnauthenticatedLimits);
  expect_limit(with_attributes(64), with_attributes(65), base::kClientLimits);
  expect_limit(with_attributes(64), with_attributes(20'000), base::kClientLimits);
}

TEST(FramerLimits, HoldForElements) {
  expect_limit(with_elements(32), with_elements(33), base::kUnauthenticatedLimits);
  expect_limit(with_elements(4096), with_elements(4097), base::kClientLimits);
}

TEST(FramerLimits, HoldForBytes) {
  expect_limit(of_size(10'000), of_size(10'001), base::kUnauthenticatedLimits);
  expect_limit(of_size(256 * 1024), of_size(256 * 1024 + 1), base::kClientLimits);
}

TEST(FramerLimits, HoldForTheHeader) {
  const std::string header = "<s a='" + std::string(10'000, 'x') + "'>";
  for (std::size_t size : {std::size_t{1}, header.size()}) {
    EXPECT_EQ(frames_by(size, header, base::kUnauthenticatedLimits).back().error,
              XmlError::policy_violation);
  }
  std::string tag = with_attributes(17);
  tag.erase(tag.size() - 2, 1);
  EXPECT_EQ(frames_whole(tag, base::kUnauthenticatedLimits).back().error,
            XmlError::policy_violation);
}

TEST(FramerLimits, StopAnUnfinishedCdataOrDeclaration) {
  const std::string endless(20'000, ']');
  EXPECT_EQ(frames_by(1, "<s><a><![CDATA[" + endless, base::kUnauthenticatedLimits).back().error,
            XmlError::policy_violation);
  EXPECT_EQ(frames_by(1, "<?xml " + endless, base::kUnauthenticatedLimits).back().error,
            XmlError::policy_violation);
}

TEST(FramerLimits, DoNotCountWhiteSpaceBetweenStanzas) {
  const std::string spaces(1 << 20, ' ');
  const auto found =
      frames_by(1460, "<s>" + spaces + "<a/>" + spaces + "</s>", base::kUnauthenticatedLimits);
  EXPECT_EQ(found.size(), 3U);
}

TEST(FramerLimits, MayGrowBetweenStanzas) {
  Framer framer = Framer::inside_stream();
  const std::string big = of_size(20'000);
  EXPECT_EQ(framer.feed(base::as_bytes("<a/>"), base::kUnauthenticatedLimits).kind,
            FrameKind::stanza);
  EXPECT_EQ(framer.feed(base::as_bytes(big), base::kClientLimits).kind, FrameKind::stanza);
}

TEST(ByteMasks, AreTheSameWithAndWithoutVectorInstructions) {
  std::mt19937 random(11);
  constexpr std::string_view kLetters = "<>'\"x\0\x80\xff;=?&"sv;
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % (kMaskBytes + 1), '\0');
    for (char& c : text) {
      c = kLetters[random() % kLetters.size()];
    }
    ByteMasks vector{};
    ByteMasks portable{};
    find_markup(base::as_bytes(text).data(), text.size(), vector);
    find_markup_portable(base::as_bytes(text).data(), text.size(), portable);
    for (std::size_t index = 0; index < text.size(); ++index) {
      const auto has = [index](std::uint64_t ByteMasks::*mask, const ByteMasks& masks) {
        return (masks.*mask >> index & 1) != 0;
      };
      for (const ByteMasks& masks : {vector, portable}) {
        ASSERT_EQ(has(&ByteMasks::less_than, masks), text[index] == '<') << index;
        ASSERT_EQ(has(&ByteMasks::greater_than, masks), text[index] == '>') << index;
        ASSERT_EQ(has(&ByteMasks::apostrophe, masks), text[index] == '\'') << index;
        ASSERT_EQ(has(&ByteMasks::quote, masks), text[index] == '"') << index;
      }
    }
  }
}

}  // namespace
}  // namespace rondel::xml
