#include <cstdint>
#include <gtest/gtest.h>
#include <thread>
#include <utility>
#include <vector>

#include "tests/xml/canonical.h"
#include "tests/xml/samples.h"
#include "xml/document.h"
#include "xml/parser.h"
#include "xml/well_known.h"
#include "xml/writer.h"

namespace rondel::xml {
namespace {

TEST(Arena, OwnsNothingWhileEmpty) {
  Arena arena;
  EXPECT_EQ(arena.bytes_held(), 0U);
  EXPECT_TRUE(arena.copy("").empty());
  EXPECT_EQ(arena.bytes_held(), 0U);
}

TEST(Arena, AlignsWhatItHandsOut) {
  Arena arena;
  for (std::size_t align : {1, 2, 4, 8, 16}) {
    for (int round = 0; round < 300; ++round) {
      static_cast<void>(arena.allocate(1, 1));
      const auto at = reinterpret_cast<std::uintptr_t>(arena.allocate(24, align));
      ASSERT_EQ(at % align, 0U);
    }
  }
}

TEST(Arena, KeepsEveryCopyWhole) {
  Arena arena;
  std::vector<std::pair<std::string, std::string_view>> copies;
  for (std::size_t size : {1, 100, 1999, 2048, 3000, 8191, 8192, 9000, 100'000, 7, 2000}) {
    for (int round = 0; round < 3; ++round) {
      const std::string text(size, static_cast<char>('a' + copies.size() % 26));
      copies.emplace_back(text, arena.copy(text));
    }
  }
  for (const auto& [text, copy] : copies) {
    EXPECT_EQ(text, copy);
  }
}

TEST(Arena, StaysWholeWhenMoved) {
  Arena first;
  const std::string_view text = first.copy("kept");
  Arena second(std::move(first));
  first = Arena();
  EXPECT_EQ(text, "kept");
  Arena third;
  static_cast<void>(third.copy("dropped"));
  third = std::move(second);
  EXPECT_EQ(text, "kept");
  EXPECT_GT(third.bytes_held(), 0U);
}

#if !defined(__SANITIZE_ADDRESS__)
TEST(Arena, TakesItsBlocksFromTheThreadsCache) {
  const void* block;
  {
    Arena arena;
    block = arena.allocate(8, 8);
  }
  Arena again;
  EXPECT_EQ(again.allocate(8, 8), block);
}
#endif

TEST(Arena, MayDieOnAnotherThread) {
  for (int round = 0; round < 100; ++round) {
    std::vector<Document> documents;
    for (int index = 0; index < 20; ++index) {
      documents.push_back(Document::create("a", "b"));
      documents.back().root().append_text(documents.back().arena(), std::string(3000, 'x'));
    }
    std::thread([moved = std::move(documents)]() mutable { moved.clear(); }).join();
  }
}

TEST(WellKnown, FindsEachNamespaceAndNoOther) {
  for (std::string_view ns :
       {"jabber:client", "urn:xmpp:ping", "jabber:iq:roster",
        "http://jabber.org/protocol/disco#info", "eu.siacs.conversations.axolotl"}) {
    const std::string copy(ns);
    const std::string_view known = well_known_namespace(copy);
    EXPECT_EQ(known, ns);
    EXPECT_TRUE(is_well_known(known));
    EXPECT_FALSE(is_well_known(copy));
  }
  for (std::string_view ns : {"", "x", "jabber:clienu", "urn:xmpp:pinh", "urn:xmpp:ping "}) {
    EXPECT_TRUE(well_known_namespace(ns).empty()) << ns;
  }
}

Document sample_document() {
  Document document = Document::create("iq", kClientNamespace);
  document.root().set_attribute(document.arena(), "type", "result");
  document.root().set_attribute(document.arena(), "id", "a1");
  ElementBuilder(document)
      .child("query", "jabber:iq:roster")
      .attribute("ver", "3")
      .child("item")
      .attribute("jid", "a@b")
      .child("group")
      .text("G&H")
      .up()
      .up()
      .child("item")
      .attribute("jid", "c@d");
  return document;
}

TEST(Element, FindsAttributesAndChildren) {
  Document document = sample_document();
  const Element& root = std::as_const(document).root();
  EXPECT_EQ(root.attribute("type"), "result");
  EXPECT_EQ(root.attribute("typ"), std::nullopt);
  EXPECT_EQ(root.attribute_or("to", "nobody"), "nobody");
  EXPECT_EQ(root.attribute_or("id", "nobody"), "a1");
  EXPECT_TRUE(root.has_attribute("id"));
  EXPECT_EQ(root.child("query"), nullptr);  // it is in another namespace
  const Element* query = root.child("query", "jabber:iq:roster");
  ASSERT_NE(query, nullptr);
  EXPECT_EQ(root.first_element(), query);
  EXPECT_EQ(query->parent(), &root);
  std::vector<std::string_view> jids;
  for (const Element& item : query->children()) {
    EXPECT_TRUE(item.is("item", "jabber:iq:roster"));
    jids.push_back(item.attribute_or("jid", ""));
  }
  EXPECT_EQ(jids, (std::vector<std::string_view>{"a@b", "c@d"}));
  EXPECT_EQ(query->child("item")->child("group")->single_text(), "G&H");
  EXPECT_EQ(query->single_text(), "");
}

TEST(Element, JoinsTheTextsAroundItsElements) {
  const auto document = parse_standalone("<a>one<b>not</b>two<c/>three</a>");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->root().text(), "onetwothree");
  EXPECT_EQ(document->root().single_text(), "one");
}

TEST(Element, ReplacesAddsAndRemovesAttributes) {
  Document document = Document::create("a", "");
  Element& root = document.root();
  Arena& arena = document.arena();
  root.set_attribute(arena, "x", "1");
  root.set_attribute(arena, "y", "2");
  root.set_attribute(arena, "x", "3");
  root.set_lang(arena, "de");
  EXPECT_EQ(to_text(root), "<a x='3' y='2' xml:lang='de'/>");
  EXPECT_EQ(root.lang(), "de");
  EXPECT_EQ(root.attribute("lang"), std::nullopt);
  root.remove_attribute("lang");
  root.remove_attribute("none");
  EXPECT_EQ(root.lang(), "de");
  root.remove_attribute("lang", kXmlNamespace);
  root.remove_attribute("x");
  root.set_attribute(arena, "z", "4");
  EXPECT_EQ(to_text(root), "<a y='2' z='4'/>");
  root.remove_attribute("z");
  root.remove_attribute("y");
  root.set_attribute(arena, "w", "5");
  EXPECT_EQ(to_text(root), "<a w='5'/>");
}

TEST(Element, RemovesNodesAtBothEndsAndBetween) {
  for (std::string_view gone : {"b", "c", "d"}) {
    auto document = parse_standalone("<a><b/>x<c/>y<d/></a>");
    Element& root = document->root();
    root.remove(*root.child(gone));
    EXPECT_EQ(root.child(gone), nullptr);
    root.append(document->arena(), "e", "");
    const std::string expected = gone == "b"   ? "<a>x<c/>y<d/><e/></a>"
                                 : gone == "c" ? "<a><b/>xy<d/><e/></a>"
                                               : "<a><b/>x<c/>y<e/></a>";
    EXPECT_EQ(to_text(root), expected);
  }
}

TEST(Element, JoinsTextsThatAreAppended) {
  Document document = Document::create("a", "");
  document.root().append_text(document.arena(), "");
  EXPECT_EQ(document.root().first_node(), nullptr);
  document.root().append_text(document.arena(), "one");
  document.root().append_text(document.arena(), "two");
  EXPECT_EQ(document.root().single_text(), "onetwo");
}

TEST(Document, ClonesShareNothing) {
  for (const std::string& sample : samples()) {
    auto parsed = ThreadParser::of_this_thread().parse(sample, StreamNamespaces::client());
    ASSERT_TRUE(parsed) << sample;
    Document clone = parsed->clone();
    EXPECT_TRUE(is_equal(clone.root(), parsed->root()));
    const std::string text = to_text(clone.root());
    parsed->root().set_attribute(parsed->arena(), "changed", "yes");
    EXPECT_FALSE(is_equal(clone.root(), parsed->root()));
    parsed = Document();
    EXPECT_EQ(to_text(clone.root()), text);
  }
}

TEST(Document, TakesCopiesOfElementsFromOthers) {
  Document document = Document::create("message", kClientNamespace);
  {
    const Document other = sample_document();
    ElementBuilder(document).child("x", "urn:x").copy(other.root()).copy(other.root());
  }
  EXPECT_EQ(to_text(document.root().first_element()->first_element()[0]),
            to_text(sample_document().root()));
  EXPECT_EQ(document.root().first_element()->first_element()->next_element()->next_element(),
            nullptr);
}

TEST(Document, StaysUsableOnTheThreadItMovesTo) {
  Document document = sample_document();
  const std::string text = to_text(document.root());
  std::string seen;
  std::thread([&seen, moved = std::move(document)]() mutable {
    moved.root().set_attribute(moved.arena(), "more", std::string(5000, 'm'));
    moved.root().remove_attribute("more");
    seen = to_text(moved.root());
  }).join();
  EXPECT_EQ(seen, text);
}

TEST(Document, SurvivesADepthThatNoRecursionWould) {
  Document document = Document::create("a", "");
  ElementBuilder builder(document);
  constexpr int kDepth = 200'000;
  for (int level = 0; level < kDepth; ++level) {
    builder.child("a");
  }
  const Document clone = document.clone();
  EXPECT_TRUE(is_equal(document.root(), clone.root()));
  EXPECT_EQ(to_text(clone.root()).size(), static_cast<std::size_t>(kDepth) * 7 + 4);
}

TEST(IsEqual, SeesEveryDifference) {
  const std::vector<std::string_view> different = {
      "<a/>",
      "<b/>",
      "<a xmlns='u'/>",
      "<a x='1'/>",
      "<a x='2'/>",
      "<a x='1' y='1'/>",
      "<a xml:lang='1'/>",
      "<a>t</a>",
      "<a>u</a>",
      "<a><b/></a>",
      "<a><b/><b/></a>",
      "<a><b/>t</a>",
      "<a>t<b/></a>",
      "<a><b>t</b></a>",
      "<a><b><c/></b></a>",
      "<a><b/><c/></a>",
  };
  for (std::size_t left = 0; left < different.size(); ++left) {
    for (std::size_t right = 0; right < different.size(); ++right) {
      const auto a = parse_standalone(different[left]);
      const auto b = parse_standalone(different[right]);
      EXPECT_EQ(is_equal(a->root(), b->root()), left == right)
          << different[left] << " " << different[right];
    }
  }
  EXPECT_TRUE(is_equal(parse_standalone("<a x='1' y='2' xmlns='u'/>")->root(),
                       parse_standalone("<p:a xmlns:p='u' y='2' x='1'></p:a>")->root()));
}

}  // namespace
}  // namespace rondel::xml
