#include "xml/writer.h"

#include <gtest/gtest.h>
#include <random>

#include "tests/xml/canonical.h"
#include "tests/xml/samples.h"
#include "xml/document.h"
#include "xml/parser.h"

namespace rondel::xml {
namespace {

using namespace std::string_view_literals;

std::string written(const Element& element, const WriteOptions& options = {}) {
  base::ByteBuffer out;
  write(element, out, options);
  return std::string(out.text());
}

Document parsed(std::string_view stanza,
                const StreamNamespaces& namespaces = StreamNamespaces::client()) {
  auto document = ThreadParser::of_this_thread().parse(stanza, namespaces);
  EXPECT_TRUE(document) << stanza;
  return document ? std::move(*document) : Document::create("failed", "");
}

std::string rewritten(std::string_view stanza, const WriteOptions& options = {}) {
  return written(parsed(stanza).root(), options);
}

TEST(Writer, GivesTheSameTreeBackToEveryParser) {
  for (const std::string& sample : samples()) {
    const Document document = parsed(sample);
    const std::string text = written(document.root());
    EXPECT_TRUE(is_equal(parsed(text).root(), document.root())) << text;
    EXPECT_EQ(written(parsed(text).root()), text);
    const std::string expected = canonical(document.root());
    const std::string standalone = to_text(document.root());
    EXPECT_EQ(canonical_by_libxml2(standalone), expected) << standalone;
    EXPECT_EQ(canonical_by_expat(standalone), expected) << standalone;
    const auto stored = parse_standalone(standalone);
    ASSERT_TRUE(stored) << standalone;
    EXPECT_TRUE(is_equal(stored->root(), document.root())) << standalone;
    // What peers see: our header, the stanza, our end.
    base::ByteBuffer stream;
    write_stream_header({}, stream);
    stream.append(text);
    stream.append(kStreamEndTag);
    const std::string in_stream =
        "<{http://etherx.jabber.org/streams}stream[{}version=3:1.0,](" + expected + ")>";
    EXPECT_EQ(canonical_by_libxml2(stream.text()), in_stream) << text;
    EXPECT_EQ(canonical_by_expat(stream.text()), in_stream) << text;
  }
}

TEST(Writer, LeavesOutTheContentNamespaceAtTheTopOnly) {
  EXPECT_EQ(rewritten("<message xmlns='jabber:client'><body/></message>"),
            "<message><body/></message>");
  EXPECT_EQ(rewritten("<message><f xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'>"
                      "<body/></message></f></message>"),
            "<message><f xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body/>"
            "</message></f></message>");
  EXPECT_EQ(rewritten("<message xmlns='jabber:server'><body/></message>"),
            "<message xmlns='jabber:server'><body/></message>");
  EXPECT_EQ(rewritten("<message xmlns=''><body/></message>"),
            "<message xmlns=''><body/></message>");
  EXPECT_EQ(rewritten("<message/>", {.content_namespace = "jabber:server"}),
            "<message xmlns='jabber:client'/>");
}

TEST(Writer, DeclaresWhatOnlyTheStreamHeaderBound) {
  const Document document = parsed("<message p:a='1'><p:x/></message>",
                                   StreamNamespaces::of("jabber:client", {{"p", "urn:p"}}));
  EXPECT_EQ(written(document.root()),
            "<message xmlns:ns0='urn:p' ns0:a='1'><x xmlns='urn:p'/></message>");
}

TEST(Writer, BindsEachForeignNamespaceOfAnElementOnce) {
  EXPECT_EQ(rewritten("<m xmlns:a='u:a' xmlns:b='u:b' a:x='1' y='2' b:x='3' a:z='4' b:w='5'/>"),
            "<m xmlns:ns0='u:a' ns0:x='1' y='2' xmlns:ns2='u:b' ns2:x='3' ns0:z='4' ns2:w='5'/>");
}

TEST(Writer, PutsOnlyATopElementOfTheStreamsNamespaceUnderTheStreamPrefix) {
  Document features = Document::create("features", kStreamsNamespace);
  ElementBuilder(features)
      .child("starttls", "urn:ietf:params:xml:ns:xmpp-tls")
      .child("required")
      .up()
      .up()
      .child("x", kStreamsNamespace)
      .up()
      .child("y", kClientNamespace);
  EXPECT_EQ(written(features.root(), {.has_stream_prefix = true}),
            "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/>"
            "</starttls><x xmlns='http://etherx.jabber.org/streams'/><y/></stream:features>");
  EXPECT_EQ(written(features.root().child("x")[0]),
            "<x xmlns='http://etherx.jabber.org/streams'/>");
  EXPECT_EQ(written(parsed("<message/>").root(), {.has_stream_prefix = true}), "<message/>");
}

TEST(Writer, StampsTheTopElementAndLeavesTheTreeAlone) {
  const Document document = parsed(
      "<message xmlns:p='urn:p' xfrom='1' p:from='2' id='to=&apos;' type='chat' "
      "to='old' from=\"x'to='y\"><to to='inner' from='inner'/></message>");
  const std::string before = written(document.root());
  const std::string stamped = written(document.root(), {.to = "b&'<@c/\"", .from = "a'/><evil"});
  EXPECT_EQ(stamped,
            "<message from='a&apos;/&gt;&lt;evil' to='b&amp;&apos;&lt;@c/&quot;' xfrom='1' "
            "xmlns:ns1='urn:p' ns1:from='2' id='to=&apos;' type='chat'>"
            "<to to='inner' from='inner'/></message>");
  EXPECT_EQ(written(document.root()), before);
  EXPECT_EQ(document.root().attribute("from"), "x'to='y");
  const Document again = parsed(stamped);
  EXPECT_EQ(again.root().attribute("from"), "a'/><evil");
  EXPECT_EQ(again.root().attribute("to"), "b&'<@c/\"");
  EXPECT_EQ(again.root().attribute("xfrom"), "1");
  EXPECT_EQ(again.root().attribute("from", "urn:p"), "2");
}

TEST(Writer, SaysWhereTheStampedAddressBegins) {
  const std::string_view stanzas[] = {
      "<presence/>", "<presence to='x'/>",
      "<presence to=\"to=''\" from='a&amp;b'><show>dnd</show></presence>",
      "<x xmlns='urn:other' to='y'/>"};
  for (const std::string_view stanza : stanzas) {
    const Document document = parsed(stanza);
    base::ByteBuffer out;
    out.append("before");
    std::size_t at = 0;
    write(document.root(), out, {.to = "", .to_at = &at});
    std::string filled(out.text());
    filled.insert(at, "somebody@example.org");
    EXPECT_EQ(filled, "before" + written(document.root(), {.to = "somebody@example.org"}));
  }
}

TEST(Writer, AddsAStampThatWasNotThere) {
  EXPECT_EQ(rewritten("<presence/>", {.to = "a"}), "<presence to='a'/>");
  EXPECT_EQ(rewritten("<presence/>", {.from = ""}), "<presence from=''/>");
  EXPECT_EQ(rewritten("<presence to='x'/>", {.from = "y"}), "<presence from='y' to='x'/>");
}

TEST(Writer, EscapesWhatWouldBeMarkupOrGetLost) {
  base::ByteBuffer out;
  escape_text("<a> & 'b' \"c\" ]]> \t\n\r", out);
  EXPECT_EQ(out.text(), "&lt;a&gt; &amp; 'b' \"c\" ]]&gt; \t\n&#13;");
  out.clear();
  escape_attribute("<a> & 'b' \"c\" \t\n\r", out);
  EXPECT_EQ(out.text(), "&lt;a&gt; &amp; &apos;b&apos; &quot;c&quot; &#9;&#10;&#13;");
  out.clear();
  escape_text("a\0b\x01\x1f"sv, out);
  EXPECT_EQ(out.text(),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(Writer, EscapesAtEveryPlaceOfEveryLength) {
  for (std::size_t size = 1; size < 70; ++size) {
    for (std::size_t place = 0; place < size; ++place) {
      for (const auto& [c, escaped] : {std::pair{'&', "&amp;"},
                                       {'<', "&lt;"},
                                       {'>', "&gt;"},
                                       {'\'', "&apos;"},
                                       {'"', "&quot;"},
                                       {'\n', "&#10;"},
                                       {'\x02', "\xef\xbf\xbd"}}) {
        std::string plain(size, '\xc3');
        plain[place] = c;
        std::string expected(size, '\xc3');
        expected.replace(place, 1, escaped);
        base::ByteBuffer out;
        escape_attribute(plain, out);
        ASSERT_EQ(out.text(), expected);
      }
    }
  }
}

/// A tree of hostile strings, made with our own API.
Document random_document(std::mt19937& random) {
  static const std::vector<std::string> kPieces = {
      "&",    "<",     ">",    "'",          "\"",     "]]>",     "<!--",   "\t",
      "\n",   "\r",    " ",    "a",          "é",      "Ж",       "\u2028", "\U0001f389",
      "to='", "&amp;", "&#0;", "</message>", "\ufffd", "xmlns='", "--",     "<?x?>"};
  static const std::vector<std::string> kNames = {"a", "b", "to", "from", "x-1", "_", "é", "xmln"};
  static const std::vector<std::string> kSpaces = {
      "", "jabber:client", "jabber:server", "urn:x", "u'&<>\"", "ns0", std::string(kXmlNamespace)};
  const auto text = [&random] {
    std::string made;
    for (unsigned count = random() % 6; count > 0; --count) {
      made += kPieces[random() % kPieces.size()];
    }
    return made;
  };
  const auto one_of = [&random](const std::vector<std::string>& from) -> const std::string& {
    return from[random() % from.size()];
  };
  Document document = Document::create(one_of(kNames), one_of(kSpaces));
  ElementBuilder builder(document);
  for (unsigned step = random() % 40; step > 0; --step) {
    switch (random() % 5) {
      case 0:
        builder.child(one_of(kNames), one_of(kSpaces));
        break;
      case 1:
        builder.up();
        break;
      case 2:
        builder.text(text());
        break;
      default:
        builder.element().set_attribute(document.arena(), one_of(kNames), one_of(kSpaces), text());
    }
  }
  return document;
}

TEST(Writer, NeverWritesWhatReadsAsAnotherTree) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    std::mt19937 random(seed);
    const Document document = random_document(random);
    const std::string expected = canonical(document.root());
    const std::string standalone = to_text(document.root());
    const auto stored = parse_standalone(standalone);
    ASSERT_TRUE(stored) << "seed " << seed << " " << standalone;
    ASSERT_TRUE(is_equal(stored->root(), document.root())) << "seed " << seed << standalone;
    ASSERT_EQ(canonical_by_libxml2(standalone), expected) << "seed " << seed;
    ASSERT_EQ(canonical_by_expat(standalone), expected) << "seed " << seed;
    ASSERT_TRUE(is_equal(parsed(written(document.root())).root(), document.root()))
        << "seed " << seed;
  }
}

TEST(Writer, AppendsBehindWhatIsThere) {
  base::ByteBuffer out;
  out.append("before ");
  write(parsed("<a/>").root(), out);
  write(parsed("<b/>").root(), out);
  EXPECT_EQ(out.text(), "before <a/><b/>");
}

TEST(Writer, WritesTextsOfAnyLength) {
  for (std::size_t size : {0, 1, 255, 256, 257, 5000, 300'000}) {
    Document document = Document::create("a", kClientNamespace);
    document.root().append_text(document.arena(), std::string(size, 'x'));
    EXPECT_EQ(written(document.root()),
              size == 0 ? "<a/>" : "<a>" + std::string(size, 'x') + "</a>");
  }
}

}  // namespace
}  // namespace rondel::xml
