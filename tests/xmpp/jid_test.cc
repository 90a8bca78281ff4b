#include "xmpp/jid.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "xml/arena.h"
#include "xmpp/jid_cache.h"

namespace rondel::xmpp {
namespace {

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) {
    all += text;
  }
  return all;
}

struct Valid {
  std::string text;
  std::string local;
  std::string domain;
  std::string resource;
};

// The first fifteen are the table of RFC 7622 §3.5; where our localparts follow RFC 6122, it is
// said.
const std::vector<Valid>& valid_addresses() {
  static const std::vector<Valid> table{
      {"juliet@example.com", "juliet", "example.com", ""},
      {"juliet@example.com/foo", "juliet", "example.com", "foo"},
      {"juliet@example.com/foo bar", "juliet", "example.com", "foo bar"},
      {"juliet@example.com/foo@bar", "juliet", "example.com", "foo@bar"},
      {"foo\\20bar@example.com", "foo\\20bar", "example.com", ""},
      {"fussball@example.com", "fussball", "example.com", ""},
      {"fu\u00dfball@example.com", "fussball", "example.com", ""},  // nodeprep folds ß
      {"\u03c0@example.com", "\u03c0", "example.com", ""},
      {"\u03a3@example.com/foo", "\u03c3", "example.com", "foo"},
      {"\u03c3@example.com/foo", "\u03c3", "example.com", "foo"},
      {"\u03c2@example.com/foo", "\u03c3", "example.com", "foo"},  // nodeprep folds the final sigma
      {"king@example.com/\u265a", "king", "example.com", "\u265a"},
      {"example.com", "", "example.com", ""},
      {"example.com/foobar", "", "example.com", "foobar"},
      {"a.example.com/b@example.net", "", "a.example.com", "b@example.net"},
      // Invalid in RFC 7622 §3.5, valid under the profiles of RFC 6122.
      {"juliet@example.com/ foo", "juliet", "example.com", " foo"},
      {"henry\u2163@example.com", "henryiv", "example.com", ""},
      {"\u265a@example.com", "\u265a", "example.com", ""},
      // Letter case.
      {"Juliet@Example.COM/Balcony", "juliet", "example.com", "Balcony"},
      {"\u00dcNI@b\u00dccher.example/\u00dc", "\u00fcni", "b\u00fccher.example", "\u00dc"},
      // Normalisation.
      {"e\u0301@example.com", "\u00e9", "example.com", ""},
      {"\u212b@example.com", "\u00e5", "example.com", ""},
      {"a\u00adb@example.com", "ab", "example.com", ""},
      {"a@example.com/x\u00a0y", "a", "example.com", "x y"},
      {"a@example.com/\u2168", "a", "example.com", "IX"},
      // Code points younger than the profiles pass as they are.
      {"\U0001f600@example.com/\U0001f600", "\U0001f600", "example.com", "\U0001f600"},
      // Separators: the first '/' first, then the first '@' before it.
      {"a@example.com/b/c@d", "a", "example.com", "b/c@d"},
      {"example.com/@", "", "example.com", "@"},
      {"example.com//", "", "example.com", "/"},
      // Domains.
      {"example.com.", "", "example.com", ""},
      {"a@EXAMPLE.com./r", "a", "example.com", "r"},
      {"localhost", "", "localhost", ""},
      {"r3---sn.example", "", "r3---sn.example", ""},
      {"1.example", "", "1.example", ""},
      {"xn--bcher-kva.example", "", "b\u00fccher.example", ""},
      {"XN--BCHER-KVA.Example", "", "b\u00fccher.example", ""},
      {"xn--strae-oqa.example", "", "stra\u00dfe.example", ""},
      {"stra\u00dfe.example", "", "stra\u00dfe.example", ""},
      {"\u4f8b\u3048\u3002\u30c6\u30b9\u30c8", "", "\u4f8b\u3048.\u30c6\u30b9\u30c8", ""},
      {"\u4f8b\u3048.\u30c6\u30b9\u30c8\u3002", "", "\u4f8b\u3048.\u30c6\u30b9\u30c8", ""},
      {"\uff45xample.com", "", "example.com", ""},
      // IP literals.
      {"a@127.0.0.1/r", "a", "127.0.0.1", "r"},
      {"[::1]", "", "[::1]", ""},
      {"a@[2001:DB8:0:0:0::1]/r", "a", "[2001:db8::1]", "r"},
      {"[::ffff:192.0.2.1]", "", "[::ffff:192.0.2.1]", ""},
      // Lengths at the limit.
      {repeated("a", 1023) + "@b/" + repeated("c", 1023), repeated("a", 1023), "b",
       repeated("c", 1023)},
      {repeated("\u00e4", 511) + "@b", repeated("\u00e4", 511), "b", ""},
      {repeated("d", 63) + ".e", "", repeated("d", 63) + ".e", ""},
      {repeated("d.", 126) + "e", "", repeated("d.", 126) + "e", ""},
  };
  return table;
}

struct Invalid {
  std::string text;
  JidError error;
};

const std::vector<Invalid>& invalid_addresses() {
  using enum JidError;
  static const std::vector<Invalid> table{
      // RFC 7622 §3.5.
      {"\"juliet\"@example.com", local_forbidden},
      {"foo bar@example.com", local_forbidden},
      {"@example.com/", local_empty},
      {"juliet@", domain_empty},
      {"/foobar", domain_empty},
      // Parts that are not there.
      {"", empty},
      {"@", local_empty},
      {"/", domain_empty},
      {"@/", local_empty},
      {"@example.com", local_empty},
      {"example.com/", resource_empty},
      {"a@example.com/", resource_empty},
      {".", domain_empty},
      {"a@.", domain_empty},
      // Characters of a localpart.
      {"a&b@example.com", local_forbidden},
      {"a'b@example.com", local_forbidden},
      {"a:b@example.com", local_forbidden},
      {"a<b@example.com", local_forbidden},
      {"a>b@example.com", local_forbidden},
      {"a\tb@example.com", local_forbidden},
      {std::string("a\0b@example.com", 15), local_forbidden},
      {std::string("\u00e4\0b@example.com", 16), local_forbidden},
      {"a\x7f@example.com", local_forbidden},
      {"a\u00a0b@example.com", local_forbidden},
      {"a\uff20b@example.com", local_forbidden},  // becomes '@'
      {"a\u202eb@example.com", local_forbidden},
      {"\u05d0a@example.com", local_forbidden},  // both directions
      {"\xc3@example.com", local_forbidden},
      {"\xc0\x80@example.com", local_forbidden},
      {"\xed\xa0\x80@example.com", local_forbidden},
      {"\u00ad@example.com", local_forbidden},  // nothing is left of it
      // Characters of a resourcepart.
      {"a@example.com/b\n", resource_forbidden},
      {std::string("a@example.com/b\0", 16), resource_forbidden},
      {"a@example.com/b\x7f", resource_forbidden},
      {"a@example.com/\u2028", resource_forbidden},
      {"a@example.com/\ue000", resource_forbidden},
      {"a@example.com/\xff", resource_forbidden},
      // Domains.
      {"a@b@example.com", domain_invalid},
      {"a..b", domain_invalid},
      {".a", domain_invalid},
      {"a.b..", domain_invalid},
      {"-a.example", domain_invalid},
      {"a-.example", domain_invalid},
      {"a_b.example", domain_invalid},
      {"a b.example", domain_invalid},
      {"a:5222", domain_invalid},
      {"a_\u00fc.example", domain_invalid},  // libidn2's own rule makes "aü" of it
      {"a\u2260b.example", domain_invalid},
      {"a\u2474b.example", domain_invalid},  // becomes "(1)"
      {"x\u2100y.example", domain_invalid},  // becomes "a/c"
      {"\u00fc..example", domain_invalid},
      {"-\u00fc.example", domain_invalid},
      {"\u2603.example", domain_invalid},  // no letter: IDNA 2008
      {"xn--.example", domain_invalid},
      {"xn--a.example", domain_invalid},
      {"xn--99999999.example", domain_invalid},
      {"xn--abc-.example", domain_invalid},
      {"\xff.example", domain_invalid},
      {std::string("\u00fc\0.example", 11), domain_invalid},
      {repeated("d", 64) + ".e", domain_invalid},
      {repeated("\u00fc", 80) + ".e", domain_invalid},
      {repeated("d.", 127) + "e", domain_invalid},
      {"[::1", domain_invalid},
      {"[]", domain_invalid},
      {"[1.2.3.4]", domain_invalid},
      {"[::1]x", domain_invalid},
      {"[::1%eth0]", domain_invalid},
      {"[v1.x]", domain_invalid},
      {std::string("[::1\0]", 6), domain_invalid},
      {"[" + repeated("0", 100) + "]", domain_invalid},
      // Lengths over the limit.
      {repeated("a", 1024) + "@b", too_long},
      {repeated("\u00e4", 512) + "@b", too_long},
      {"b/" + repeated("c", 1024), too_long},
      {repeated("d", 1024), too_long},
      {repeated("x", kJidBytesMax + 2), too_long},
  };
  return table;
}

TEST(Jid, TakesEveryValidAddressApart) {
  for (const Valid& valid : valid_addresses()) {
    SCOPED_TRACE(valid.text);
    const auto jid = Jid::parse(valid.text);
    ASSERT_TRUE(jid.has_value()) << to_text(jid.error());
    EXPECT_EQ(jid->local(), valid.local);
    EXPECT_EQ(jid->domain(), valid.domain);
    EXPECT_EQ(jid->resource(), valid.resource);
    const std::string bare = (valid.local.empty() ? "" : valid.local + "@") + valid.domain;
    EXPECT_EQ(jid->bare(), bare);
    EXPECT_EQ(jid->full(), bare + (valid.resource.empty() ? "" : "/" + valid.resource));
  }
}

TEST(Jid, RefusesEveryInvalidAddressWithItsReason) {
  for (const Invalid& invalid : invalid_addresses()) {
    SCOPED_TRACE(invalid.text);
    const auto jid = Jid::parse(invalid.text);
    ASSERT_FALSE(jid.has_value()) << jid->full();
    EXPECT_EQ(to_text(jid.error()), to_text(invalid.error));
  }
}

TEST(Jid, ParsedAgainStaysTheSame) {
  for (const Valid& valid : valid_addresses()) {
    SCOPED_TRACE(valid.text);
    const Jid once = Jid::parse(valid.text).value();
    EXPECT_EQ(Jid::parse(once.full()).value(), once);
  }
}

TEST(Jid, ParsesIntoAnArenaAsItParsesIntoAString) {
  xml::Arena arena;
  for (const Valid& valid : valid_addresses()) {
    SCOPED_TRACE(valid.text);
    const auto view = parse_jid_into(valid.text, arena);
    ASSERT_TRUE(view.has_value());
    EXPECT_EQ(*view, Jid::parse(valid.text)->view());
    EXPECT_EQ(view->local(), valid.local);
    EXPECT_EQ(view->domain(), valid.domain);
    EXPECT_EQ(view->resource(), valid.resource);
  }
  for (const Invalid& invalid : invalid_addresses()) {
    SCOPED_TRACE(invalid.text);
    const auto view = parse_jid_into(invalid.text, arena);
    ASSERT_FALSE(view.has_value());
    EXPECT_EQ(view.error(), invalid.error);
  }
}

TEST(Jid, DoesNotCopyWhatIsNormalAlready) {
  xml::Arena arena;
  for (const std::string_view text :
       {"juliet@example.com/balcony", "example.com", "a@b", "a.b/C d"}) {
    EXPECT_EQ(parse_jid_into(text, arena)->full().data(), text.data()) << text;
  }
  EXPECT_EQ(arena.bytes_held(), 0u);
  for (const std::string_view text : {"Juliet@example.com", "example.com.", "EXAMPLE.com/b"}) {
    EXPECT_NE(parse_jid_into(text, arena)->full().data(), text.data()) << text;
  }
}

TEST(Jid, SaysTheSameWhenItRemembersWhatTheLibrarySaid) {
  for (const std::string_view text :
       {"\u00fcni@b\u00fccher.example/\u00dc", "\u00dcNI@B\u00dcCHER.example/\u2168"}) {
    const Jid first = Jid::parse(text).value();
    EXPECT_EQ(Jid::parse(text).value(), first);
    // The same text in another part has another profile.
    EXPECT_EQ(prepare_resource("\u00dc").value(), "\u00dc");
    EXPECT_EQ(prepare_local("\u00dc").value(), "\u00fc");
    EXPECT_EQ(prepare_resource("\u00dc").value(), "\u00dc");
    EXPECT_EQ(prepare_domain("\u00dc").value(), "\u00fc");
  }
  // One part only, so that what is remembered of others can't have taken its place meanwhile.
  xml::Arena arena;
  const std::string_view normal = "a@b\u00fccher.example";
  ASSERT_TRUE(parse_jid_into(normal, arena));
  EXPECT_EQ(parse_jid_into(normal, arena)->full().data(), normal.data());
}

TEST(JidCache, RemembersTheNewestOfEachPlaceWithinItsLimits) {
  JidCache cache;
  EXPECT_FALSE(cache.find(JidPart::local, "").has_value());
  cache.store(JidPart::local, "\u00dc", "\u00fc");
  EXPECT_EQ(cache.find(JidPart::local, "\u00dc"), "\u00fc");
  EXPECT_FALSE(cache.find(JidPart::resource, "\u00dc").has_value());
  EXPECT_FALSE(cache.find(JidPart::local, "\u00fc").has_value());
  const std::string at_limit(JidCache::kBytesMax, 'x');
  cache.store(JidPart::domain, at_limit, "y");
  EXPECT_EQ(cache.find(JidPart::domain, at_limit), "y");
  cache.store(JidPart::domain, at_limit + "x", "y");
  EXPECT_FALSE(cache.find(JidPart::domain, at_limit + "x").has_value());
  std::size_t found = 0;
  for (std::size_t i = 0; i < 10 * JidCache::kEntries; ++i) {
    cache.store(JidPart::local, std::to_string(i), "v");
  }
  for (std::size_t i = 0; i < 10 * JidCache::kEntries; ++i) {
    found += cache.find(JidPart::local, std::to_string(i)).has_value() ? 1 : 0;
  }
  EXPECT_GT(found, 0u);
  EXPECT_LE(found, JidCache::kEntries);
}

TEST(Jid, KnowsItsShape) {
  const Jid domain = Jid::parse("example.com").value();
  const Jid bare = Jid::parse("a@example.com").value();
  const Jid full = Jid::parse("a@example.com/r").value();
  const Jid domain_with_resource = Jid::parse("example.com/r").value();
  EXPECT_TRUE(domain.is_domain() && domain.is_bare() && !domain.has_local());
  EXPECT_TRUE(!bare.is_domain() && bare.is_bare() && bare.has_local() && !bare.has_resource());
  EXPECT_TRUE(!full.is_domain() && !full.is_bare() && full.has_resource());
  EXPECT_TRUE(!domain_with_resource.is_domain() && !domain_with_resource.is_bare());
  EXPECT_TRUE(JidView().is_empty() && !JidView().is_bare() && !JidView().has_resource());
  EXPECT_EQ(JidView().full(), "");
  EXPECT_EQ(JidView().bare(), "");
}

TEST(Jid, GivesItsBareAndDomainAddresses) {
  const Jid full = Jid::parse("a@example.com/r").value();
  EXPECT_EQ(full.view().bare_view(), Jid::parse("a@example.com")->view());
  EXPECT_EQ(full.view().bare_view().resource(), "");
  EXPECT_EQ(full.view().domain_view().full(), "example.com");
  EXPECT_TRUE(full.view().domain_view().is_domain());
  EXPECT_TRUE(full.view().bare_view().is_bare_of(full));
  EXPECT_FALSE(full.view().is_bare_of(full));
  EXPECT_TRUE(full.view().has_bare_of(Jid::parse("A@example.com/other").value()));
  EXPECT_FALSE(full.view().has_bare_of(Jid::parse("b@example.com/r").value()));
}

TEST(Jid, IsMadeOfPartsThatAreStillToBePrepared) {
  EXPECT_EQ(Jid::from_parts("Juliet", "Example.COM", "Balcony")->full(),
            "juliet@example.com/Balcony");
  EXPECT_EQ(Jid::from_parts("", "example.com")->full(), "example.com");
  EXPECT_EQ(Jid::from_parts("a/b", "example.com").error(), JidError::local_forbidden);
  EXPECT_EQ(Jid::from_parts("a@b", "example.com").error(), JidError::local_forbidden);
  EXPECT_EQ(Jid::from_parts("a", "b@example.com").error(), JidError::domain_invalid);
  EXPECT_EQ(Jid::from_parts("a", "example.com/r").error(), JidError::domain_invalid);
  EXPECT_EQ(Jid::from_parts("a", "").error(), JidError::domain_empty);
}

TEST(Jid, TakesAnotherResource) {
  const Jid full = Jid::parse("a@example.com/old").value();
  EXPECT_EQ(Jid::with_resource(full, "new/\u2168")->full(), "a@example.com/new/IX");
  EXPECT_EQ(Jid::with_resource(full.view().domain_view(), "r")->full(), "example.com/r");
  EXPECT_EQ(Jid::with_resource(full, "").error(), JidError::resource_empty);
  EXPECT_EQ(Jid::with_resource(full, "\n").error(), JidError::resource_forbidden);
}

TEST(Jid, PreparesPartsAlone) {
  EXPECT_EQ(prepare_local("Romeo").value(), "romeo");
  EXPECT_EQ(prepare_local("a@b").error(), JidError::local_forbidden);
  EXPECT_EQ(prepare_domain("Example.org.").value(), "example.org");
  EXPECT_EQ(prepare_domain("").error(), JidError::domain_empty);
  EXPECT_EQ(prepare_resource("A b").value(), "A b");
  EXPECT_EQ(prepare_resource("").error(), JidError::resource_empty);
}

TEST(Jid, EveryAsciiCharacterIsRightInEachPart) {
  for (int c = 0; c < 0x80; ++c) {
    SCOPED_TRACE(c);
    const std::string one(1, static_cast<char>(c));
    const bool is_control = c < 0x20 || c == 0x7f;
    const bool is_forbidden_in_local =
        is_control || std::string_view(" \"&'/:<>@").find(one) != std::string_view::npos;
    EXPECT_EQ(prepare_local("x" + one + "x").has_value(), !is_forbidden_in_local);
    EXPECT_EQ(prepare_resource("x" + one + "x").has_value(), !is_control);
    const bool is_ldh = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
    EXPECT_EQ(prepare_domain("x" + one + "x").has_value(), is_ldh);
    // The way through the libraries, which the other bytes force, must not differ.
    EXPECT_EQ(prepare_local("\u00fc" + one + "x").has_value(), !is_forbidden_in_local);
    EXPECT_EQ(prepare_resource("\u00fc" + one + "x").has_value(), !is_control);
    EXPECT_EQ(prepare_domain("\u00fc" + one + "x").has_value(), is_ldh);
  }
}

TEST(Jid, AViewMovesToAnotherCopyOfItsText) {
  const Jid jid = Jid::parse("a@example.com/r").value();
  const std::string copy = jid.full();
  const JidView moved = jid.view().moved_to(copy);
  EXPECT_EQ(moved.full().data(), copy.data());
  EXPECT_EQ(moved.local(), "a");
  EXPECT_EQ(moved.resource(), "r");
  static_assert(std::is_trivially_copyable_v<JidView> && sizeof(JidView) <= 24);
}

}  // namespace
}  // namespace rondel::xmpp
