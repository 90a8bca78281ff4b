// Hostile input must cost in proportion to its size, and nothing that is remembered may grow.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <gtest/gtest.h>
#include <string>

#include "tests/xml/frames.h"
#include "tests/xml/samples.h"
#include "xml/parser.h"
#include "xml/writer.h"

namespace rondel::xml {
namespace {

double cpu_ms(const std::function<void()>& work) {
  const auto now = [] {
    timespec at{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return static_cast<double>(at.tv_sec) * 1e3 + static_cast<double>(at.tv_nsec) / 1e6;
  };
  const double before = now();
  work();
  return now() - before;
}

/// The least of several runs, which a busy neighbour disturbs the least.
double least_cpu_ms(const std::function<void()>& work) {
  double least = cpu_ms(work);
  for (int run = 0; run < 4; ++run) {
    least = std::min(least, cpu_ms(work));
  }
  return least;
}

/// Doubling the input may not cost more than 2.5 times as much; three tries against noise.
void expect_linear(const std::function<void(std::size_t)>& work, std::size_t size) {
  double ratio = 0;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const double once = least_cpu_ms([&] { work(size); });
    const double twice = least_cpu_ms([&] { work(2 * size); });
    ratio = twice / once;
    if (ratio < 2.5) {
      return;
    }
  }
  ADD_FAILURE() << "twice the input costs " << ratio << " times as much";
}

constexpr base::StanzaLimits kNoLimits{1U << 31, 60'000, 60'000, 60'000};

std::string filled(std::string_view before,
                   std::string_view piece,
                   std::size_t count,
                   std::string_view after) {
  std::string text(before);
  for (std::size_t index = 0; index < count; ++index) {
    text += piece;
  }
  return text.append(after);
}

struct Dribble {
  const char* name;
  std::string_view before;
  std::string_view piece;
  std::string_view after;
};

void PrintTo(const Dribble& value, std::ostream* out) {
  *out << value.name;
}

class FramerCost : public testing::TestWithParam<Dribble> {};

TEST_P(FramerCost, GrowsWithTheBytesAndNotFaster) {
  const auto run = [](std::size_t piece_size, std::size_t bytes) {
    const std::string text = filled(GetParam().before, GetParam().piece,
                                    bytes / GetParam().piece.size(), GetParam().after);
    Framer framer = Framer::inside_stream();
    for (std::string_view rest = text; !rest.empty();) {
      std::string_view piece = rest.substr(0, piece_size);
      rest.remove_prefix(piece.size());
      while (!piece.empty()) {
        const FrameEvent event = framer.feed(base::as_bytes(piece), kNoLimits);
        ASSERT_NE(event.kind, FrameKind::error);
        piece.remove_prefix(event.consumed);
      }
    }
  };
  expect_linear([&](std::size_t bytes) { run(1, bytes); }, 25'000);
  expect_linear([&](std::size_t bytes) { run(1460, bytes); }, 1'000'000);
}

INSTANTIATE_TEST_SUITE_P(All,
                         FramerCost,
                         testing::Values(Dribble{"attribute of >", "<m a='", ">", "'/>"},
                                         Dribble{"plain attribute", "<m a='", "x", "'/>"},
                                         Dribble{"plain text", "<m>", "x", "</m>"},
                                         Dribble{"white space between stanzas", "", " ", ""},
                                         Dribble{"white space in a tag", "<m", " ", "/>"},
                                         Dribble{"lone & and >", "<m>&", ">", "</m>"},
                                         Dribble{"CDATA of ]", "<m><![CDATA[", "]", "]]></m>"},
                                         Dribble{"quotes in text", "<m>", "'\"", "</m>"},
                                         Dribble{"small stanzas", "", "<m/>", ""}));

class ParserCost : public testing::TestWithParam<Dribble> {};

TEST_P(ParserCost, GrowsWithTheBytesAndNotFaster) {
  ThreadParser parser;
  expect_linear(
      [&](std::size_t count) {
        const std::string stanza =
            filled(GetParam().before, GetParam().piece, count, GetParam().after);
        const auto parsed = parser.parse(stanza, StreamNamespaces::client());
        ASSERT_TRUE(parsed);
        base::ByteBuffer out;
        write(parsed->root(), out);
      },
      120'000 / GetParam().piece.size());
}

INSTANTIATE_TEST_SUITE_P(All,
                         ParserCost,
                         testing::Values(Dribble{"text", "<m>", "x", "</m>"},
                                         Dribble{"references", "<m>", "&amp;", "</m>"},
                                         Dribble{"attribute", "<m a='", ">", "'/>"},
                                         Dribble{"elements", "<m>", "<a/>", "</m>"},
                                         Dribble{"blank namespaces", "<m>", "<a xmlns=' '/>",
                                                 "</m>"},
                                         Dribble{"attributes", "<m>", "<a b=''/>", "</m>"}));

TEST(ParserCost, OfTheDearestLegalStanzaIsBounded) {
  // 256 KiB of <a xmlns=' '/>; the element limit stops it much earlier in the framer.
  const std::string stanza = filled("<m>", "<a xmlns=' '/>", 256 * 1024 / 14, "</m>");
  EXPECT_EQ(frames_whole(stanza, base::kClientLimits, Framer::inside_stream()).back().error,
            XmlError::policy_violation);
  const std::string most = filled("<m>", "<a xmlns=' '/>", 4095, "</m>");
  ASSERT_EQ(frames_whole(most, base::kClientLimits, Framer::inside_stream()).back().kind,
            FrameKind::stanza);
  ThreadParser parser;
  EXPECT_LT(
      least_cpu_ms([&] { static_cast<void>(parser.parse(most, StreamNamespaces::client())); }),
      500.0);
}

TEST(ParserCost, OfAttributesIsCappedByTheFramer) {
  std::string tag = "<m";
  for (int index = 0; index < 100'000; ++index) {
    tag += " a" + std::to_string(index) + "=''";
  }
  std::string declarations = "<m";
  for (int index = 0; index < 10'000; ++index) {
    declarations += " xmlns:p" + std::to_string(index) + "='u'";
  }
  for (const std::string& text : {tag + "/>", declarations + "/>"}) {
    EXPECT_EQ(frames_whole(text, base::kClientLimits, Framer::inside_stream()).back().error,
              XmlError::policy_violation);
  }
}

std::size_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  unsigned long size = 0;
  unsigned long resident = 0;
  const int read = std::fscanf(file, "%lu %lu", &size, &resident);
  std::fclose(file);
  return read == 2 ? resident * 4096 : 0;
}

TEST(ParserCost, OfBillionLaughsIsNothing) {
  const std::string bomb =
      "<!DOCTYPE lolz [<!ENTITY lol 'lol'><!ENTITY lol2 '&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;'>"
      "<!ENTITY lol3 '&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;'>]><m>&lol3;</m>";
  ThreadParser parser;
  static_cast<void>(parser.parse("<m/>", StreamNamespaces::client()));
  const std::size_t before = resident_bytes();
  for (int round = 0; round < 50; ++round) {
    EXPECT_EQ(frames_whole(bomb).back().error, XmlError::restricted_xml);
    EXPECT_EQ(frames_whole("<s>" + bomb).back().error, XmlError::restricted_xml);
    EXPECT_FALSE(parser.parse(bomb, StreamNamespaces::client()));
    EXPECT_FALSE(parser.parse("<m>&lol3;</m>", StreamNamespaces::client()));
  }
#if !defined(__SANITIZE_ADDRESS__)
  EXPECT_LT(resident_bytes() - std::min(before, resident_bytes()), 1U << 20);
#else
  EXPECT_GT(before, 0U);
#endif
}

TEST(ParserCost, StaysFlatUnderAFloodOfNewNames) {
  ThreadParser parser;
  const auto flood = [&parser](int from, int to) {
    for (int index = from; index < to; ++index) {
      const std::string n = std::to_string(index);
      const auto parsed = parser.parse(
          "<e" + n + " xmlns:p" + n + "='urn:u" + n + "' a" + n + "='1' p" + n + ":b='2'/>",
          StreamNamespaces::client());
      ASSERT_TRUE(parsed);
    }
  };
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr int kStanzas = 40'000;
#else
  constexpr int kStanzas = 500'000;
#endif
  flood(0, 5'000);
  const std::size_t before = resident_bytes();
  const double early = cpu_ms([&] { flood(5'000, 5'000 + kStanzas / 10); });
  flood(5'000 + kStanzas / 10, kStanzas - kStanzas / 10);
  const double late = cpu_ms([&] { flood(kStanzas - kStanzas / 10, kStanzas); });
  EXPECT_LT(late, early * 2.5);
  EXPECT_GT(parser.counters().contexts_recycled, static_cast<std::uint64_t>(kStanzas) / 1000);
  EXPECT_EQ(parser.counters().contexts_discarded, 0U);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(resident_bytes(), before + (4U << 20));
#else
  EXPECT_GT(before, 0U);
#endif
}

TEST(ParserCost, OfManyNamespaceSetsIsBoundedInMemory) {
  ThreadParser parser;
  for (int index = 0; index < 2'000; ++index) {
    const auto set = StreamNamespaces::of("urn:" + std::to_string(index), {});
    ASSERT_TRUE(parser.parse("<m/>", set));
  }
  EXPECT_EQ(parser.counters().contexts_created, 2'000U);
}

}  // namespace
}  // namespace rondel::xml
