#include "modules/stanza-ids/strip.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>

#include "xml/parser.h"
#include "xml/writer.h"

namespace rondel::modules::stanza_ids {
namespace {

struct Case {
  std::string_view what, before, after;
};

class Strip : public testing::TestWithParam<Case> {};
TEST_P(Strip, LeavesExactlyTheRest) {
  const auto wrap = [](std::string_view content) {
    return "<message xmlns='jabber:client' xmlns:s='urn:xmpp:sid:0'>" + std::string(content) +
           "</message>";
  };
  auto before = xml::parse_standalone(wrap(GetParam().before));
  const auto after = xml::parse_standalone(wrap(GetParam().after));
  ASSERT_TRUE(before);
  ASSERT_TRUE(after);
  const std::size_t count = strip_stanza_ids(
      before->root(), [](xmpp::JidView by) { return by.full() == "juliet@localhost"; });
  EXPECT_TRUE(is_equal(before->root(), after->root())) << xml::to_text(before->root());
  EXPECT_EQ(count == 0, GetParam().before == GetParam().after);
}
INSTANTIATE_TEST_SUITE_P(
    Messages,
    Strip,
    testing::Values(
        Case{"none", "<body>hi</body>", "<body>hi</body>"},
        Case{"one", "<s:stanza-id id='1' by='juliet@localhost'/><body>hi</body>",
             "<body>hi</body>"},
        Case{"all of many",
             "<s:stanza-id id='1' by='juliet@localhost'/><body>hi</body>"
             "<s:stanza-id id='2' by='juliet@localhost'/><s:stanza-id id='3' "
             "by='juliet@localhost'/>",
             "<body>hi</body>"},
        Case{"spelt otherwise", "<s:stanza-id id='1' by='JULIET@LOCALHOST'/><body/>", "<body/>"},
        Case{"of another prefix",
             "<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='juliet@localhost'/><body/>", "<body/>"},
        Case{"with content",
             "<s:stanza-id id='1' by='juliet@localhost'><s:stanza-id id='2' by='a.example'/>"
             "</s:stanza-id><body/>",
             "<body/>"},
        Case{"deep", "<x><y><s:stanza-id id='1' by='juliet@localhost'/></y><z/></x>",
             "<x><y/><z/></x>"},
        Case{"inside of one that stays",
             "<s:stanza-id id='2' by='a.example'><s:stanza-id id='1' by='juliet@localhost'/>"
             "</s:stanza-id>",
             "<s:stanza-id id='2' by='a.example'/>"},
        Case{"last and deep", "<body/><x><s:stanza-id id='1' by='juliet@localhost'/></x>",
             "<body/><x/>"},
        Case{"by nobody", "<s:stanza-id id='1'/><s:stanza-id id='2' by=''/><body/>", "<body/>"},
        Case{"by somebody else", "<s:stanza-id id='1' by='room@muc.example'/>",
             "<s:stanza-id id='1' by='room@muc.example'/>"},
        Case{"an origin id", "<s:origin-id id='1' by='juliet@localhost'/>",
             "<s:origin-id id='1' by='juliet@localhost'/>"},
        Case{"of another namespace", "<stanza-id id='1' by='juliet@localhost'/>",
             "<stanza-id id='1' by='juliet@localhost'/>"}),
    [](const auto& given) {
      std::string name(given.param.what);
      std::replace(name.begin(), name.end(), ' ', '_');
      return name;
    });

TEST(HasStanzaIds, LooksAtEveryDepthForNothingElse) {
  const auto plain = xml::parse_standalone(
      "<message><origin-id xmlns='urn:xmpp:sid:0'/><body>hi</body><x><stanza-id/></x></message>");
  const auto deep =
      xml::parse_standalone("<message><x><y/><stanza-id xmlns='urn:xmpp:sid:0'/></x></message>");
  const auto empty = xml::parse_standalone("<message/>");
  ASSERT_TRUE(plain && deep && empty);
  EXPECT_FALSE(has_stanza_ids(plain->root()));
  EXPECT_TRUE(has_stanza_ids(deep->root()));
  EXPECT_FALSE(has_stanza_ids(empty->root()));
}

}  // namespace
}  // namespace rondel::modules::stanza_ids
