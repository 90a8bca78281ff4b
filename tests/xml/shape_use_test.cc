// What a known shape is good for: stanzas are taken at once, and written without their names.
#include <cstddef>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/xml/samples.h"
#include "tests/xml/shapes.h"
#include "xml/framer.h"

namespace rondel::xml {
namespace {

TEST(Shape, KnowsWhatTheChildrenOfItsTreesAreWrittenAs) {
  ThreadParser parser;
  const std::string stanza =
      "<message to=\"juliet@example.org\" id='1'>\n<body>a &amp; b > c, 'd', \"e\"</body><p:x "
      "xmlns:p=\"urn:p\" p:a=\"it's\" b='&apos;'><p:y/></p:x></message>";
  ASSERT_TRUE(teach(parser, stanza));
  const auto tree = parser.parse(stanza, StreamNamespaces::client());
  ASSERT_TRUE(tree);
  const Element* body = tree->root().child("body");
  const Element* other = tree->root().child("x", "urn:p");
  ASSERT_TRUE(body != nullptr && other != nullptr);
  EXPECT_EQ(tree->root().written(), "");
  EXPECT_EQ(body->written(), "<body>a &amp; b &gt; c, 'd', \"e\"</body>");
  EXPECT_EQ(other->written(),
            "<x xmlns='urn:p' xmlns:ns0='urn:p' ns0:a='it&apos;s' b='&apos;'><y/></x>");
  EXPECT_EQ(other->first_element()->written(), "<y/>");
  EXPECT_EQ(described(tree->root()), judged_by_libxml2(stanza));
}

TEST(Shape, WritesAnewWhatHasChanged) {
  const std::string stanza =
      "<message to='a' id='1'>t<body>x</body><x xmlns='urn:x' k='v'><y>z<q/></y></x></message>";
  using Change = void (*)(Document&);
  const auto x = [](Document& tree) -> Element& { return *tree.root().child("x", "urn:x"); };
  static const auto child = x;
  const std::vector<std::pair<std::string, Change>> changes = {
      {"the root's attribute",
       [](Document& t) { t.root().set_attribute(t.arena(), "id", "it's"); }},
      {"the root's language", [](Document& t) { t.root().set_lang(t.arena(), "de"); }},
      {"an attribute less at the root", [](Document& t) { t.root().remove_attribute("to"); }},
      {"a child more", [](Document& t) { t.root().append(t.arena(), "n", "urn:n"); }},
      {"a text more at the root", [](Document& t) { t.root().append_text(t.arena(), "<"); }},
      {"a child less", [](Document& t) { t.root().remove(*t.root().child("body")); }},
      {"a text less", [](Document& t) { t.root().remove(*t.root().first_node()); }},
      {"an attribute", [](Document& t) { child(t).set_attribute(t.arena(), "k", "w"); }},
      {"an attribute more", [](Document& t) { child(t).set_attribute(t.arena(), "l", "w"); }},
      {"an attribute less", [](Document& t) { child(t).remove_attribute("k"); }},
      {"a language", [](Document& t) { child(t).set_lang(t.arena(), "de"); }},
      {"a grandchild more", [](Document& t) { child(t).append(t.arena(), "n", "urn:n"); }},
      {"a text", [](Document& t) { child(t).append_text(t.arena(), "more"); }},
      {"no text", [](Document& t) { child(t).append_text(t.arena(), ""); }},
      {"a copy", [](Document& t) { child(t).append_copy(t.arena(), *t.root().child("body")); }},
      {"a copy at the root", [](Document& t) { t.root().append_copy(t.arena(), child(t)); }},
      {"a grandchild less", [](Document& t) { child(t).remove(*child(t).first_node()); }},
      {"a text deep down",
       [](Document& t) { child(t).first_element()->append_text(t.arena(), "d"); }},
      {"an attribute deep down",
       [](Document& t) { child(t).first_element()->set_attribute(t.arena(), "a", "'"); }},
      {"a node less deep down",
       [](Document& t) {
         Element& y = *child(t).first_element();
         y.remove(*y.first_element());
       }},
  };
  ThreadParser parser;
  ASSERT_TRUE(teach(parser, stanza));
  for (const auto& [what, change] : changes) {
    auto ours = parser.parse(stanza, StreamNamespaces::client());
    auto theirs = PushContext(StreamNamespaces::client()).parse(stanza);
    ASSERT_TRUE(ours && theirs);
    ASSERT_NE(ours->root().child("body")->written(), "");
    change(*ours);
    change(*theirs);
    EXPECT_EQ(described(ours->root()), described(theirs->root())) << what;
  }
}

TEST(Shape, IsWrittenAnewWhereOtherNamespacesHold) {
  ThreadParser parser;
  const auto none = StreamNamespaces::none();
  for (const std::string stanza :
       {"<s:error xmlns:s='http://etherx.jabber.org/streams'><a xmlns='urn:a'/><s:b/></s:error>",
        "<xml:a><b c='1'/></xml:a>", "<a xmlns='urn:a'><b/><c xmlns=''/></a>"}) {
    for (int i = 0; i < 3; ++i) {
      const auto ours = parser.parse(stanza, none);
      const auto theirs = PushContext(none).parse(stanza);
      ASSERT_TRUE(ours && theirs);
      for (const bool has_stream_prefix : {false, true}) {
        for (const std::string_view content : {"", "urn:a", "jabber:client"}) {
          const WriteOptions options{.content_namespace = content,
                                     .has_stream_prefix = has_stream_prefix};
          base::ByteBuffer our_bytes;
          base::ByteBuffer their_bytes;
          write(ours->root(), our_bytes, options);
          write(theirs->root(), their_bytes, options);
          EXPECT_EQ(our_bytes.text(), their_bytes.text());
        }
      }
    }
  }
}

constexpr base::StanzaLimits kAmple{256 * 1024, 64, 64, 4096};

TEST(Shape, IsTakenFromTheFrontOfTheBytesAsTheFramerWouldFindIt) {
  ThreadParser parser;
  std::size_t taken_count = 0;
  for (const std::string& sample : samples()) {
    teach(parser, sample);
    for (const std::string_view behind : {"", "<", " ", "<presence/>", "</stream:stream>", "&"}) {
      const std::string bytes = sample + std::string(behind);
      const auto taken = parser.try_take(bytes, StreamNamespaces::client(), kAmple);
      if (!taken.stanza.empty()) {
        ++taken_count;
        EXPECT_EQ(taken.bytes, sample.size());
        EXPECT_EQ(described(taken.stanza.root()), judged_by_libxml2(sample));
      }
    }
  }
  EXPECT_GT(taken_count, samples().size() * 3);
}

TEST(Shape, IsNotTakenBeforeAllOfItIsThere) {
  ThreadParser parser;
  const std::string stanza =
      "<message to='juliet@example.org' type=\"chat\"><body>a text</body><x/></message>";
  ASSERT_TRUE(teach(parser, stanza));
  for (std::size_t size = 0; size < stanza.size(); ++size) {
    // On the heap, so that the sanitizer sees what lies behind.
    const std::vector<char> part(stanza.begin(),
                                 stanza.begin() + static_cast<std::ptrdiff_t>(size));
    const auto taken =
        parser.try_take({part.data(), part.size()}, StreamNamespaces::client(), kAmple);
    EXPECT_TRUE(taken.stanza.empty()) << size;
  }
  EXPECT_EQ(parser.try_take(stanza, StreamNamespaces::client(), kAmple).bytes, stanza.size());
  EXPECT_TRUE(parser.try_take(stanza, StreamNamespaces::none(), kAmple).stanza.empty());
}

TEST(Shape, IsLeftToTheFramerBeyondTheLimits) {
  ThreadParser parser;
  const std::string stanza = "<message to='a' id='1'><x xmlns='u' k='v' l='w'><y/></x></message>";
  ASSERT_TRUE(teach(parser, stanza));
  const auto size = static_cast<std::uint32_t>(stanza.size());
  const base::StanzaLimits just{size, 3, 3, 3};
  std::vector<base::StanzaLimits> all(5, just);
  --all[1].stanza_bytes_max;
  --all[2].depth_max;
  --all[3].attributes_max;
  --all[4].elements_max;
  for (const base::StanzaLimits& limits : all) {
    Framer framer = Framer::inside_stream();
    const FrameEvent event =
        framer.feed({reinterpret_cast<const std::byte*>(stanza.data()), stanza.size()}, limits);
    const auto taken = parser.try_take(stanza, StreamNamespaces::client(), limits);
    EXPECT_EQ(!taken.stanza.empty(), event.kind == FrameKind::stanza);
    EXPECT_EQ(event.kind == FrameKind::stanza, &limits == &all.front());
  }
}

TEST(Shape, IsFoundAmongOthersThatBeginAlike) {
  ThreadParser parser;
  const std::vector<std::string> alike = {
      "<message to='a'><body/></message>",
      "<message to='a'><body></body></message>",
      "<message to='a'><body>x</body></message>",
      "<message to='a'><body>x<b/></body></message>",
      "<message to='a'><body>x<b/>y</body></message>",
      "<message to='a'><body><b/>y</body></message>",
      "<message to='a'><body><b/></body></message>",
      "<message to='a'>x<body><b/></body></message>",
      "<message to='a'/>",
      "<message to='a' id='1'/>",
      "<message to='a' id=\"1\"/>",
      "<message to=\"a\" id='1'/>",
      "<message to='a' xml:lang='en'/>",
      "<message to='a' xml:lang='de'/>",
      "<message to='a' xml:lang='de' id='1'/>",
      "<message to='a' ><body>x</body></message>",
      "<message to='a'><body>x</body></message >",
  };
  for (const std::string& stanza : alike) {
    ASSERT_TRUE(teach(parser, stanza)) << stanza;
  }
  for (int round = 0; round < 3; ++round) {
    for (const std::string& stanza : alike) {
      const auto taken = parser.try_take(stanza, StreamNamespaces::client(), kAmple);
      ASSERT_FALSE(taken.stanza.empty()) << stanza;
      EXPECT_EQ(described(taken.stanza.root()), judged_by_libxml2(stanza));
    }
  }
}

}  // namespace
}  // namespace rondel::xml
