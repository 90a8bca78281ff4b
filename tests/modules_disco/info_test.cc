#include "modules/disco/info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rondel::modules::disco {
namespace {

TEST(ContactForms, AreNoneIfNobodyIsConfigured) {
  EXPECT_TRUE(contact_forms({}).empty());
}

TEST(ContactForms, HoldTheFieldsThatAreConfigured) {
  config::ContactAddresses contact;
  contact.abuse = {"mailto:abuse@a.example", "xmpp:abuse@a.example"};
  contact.support = {"https://a.example/help"};
  const auto forms = contact_forms(contact);
  ASSERT_EQ(forms.size(), 1u);
  EXPECT_EQ(forms[0].form_type(), "http://jabber.org/network/serverinfo");
  ASSERT_EQ(forms[0].fields.size(), 3u);
  ASSERT_NE(forms[0].field("abuse-addresses"), nullptr);
  EXPECT_THAT(forms[0].field("abuse-addresses")->values, testing::ElementsAreArray(contact.abuse));
  ASSERT_NE(forms[0].field("support-addresses"), nullptr);
  EXPECT_EQ(forms[0].field("support-addresses")->value(), "https://a.example/help");
}

struct ItemCase {
  std::string_view text, jid, name;
};
class ValidItems : public testing::TestWithParam<ItemCase> {};
TEST_P(ValidItems, AreAnAddressAndAName) {
  const auto item = parse_item(GetParam().text);
  ASSERT_TRUE(item.has_value());
  EXPECT_EQ(item->jid, GetParam().jid);
  EXPECT_EQ(item->name, GetParam().name);
  EXPECT_EQ(check_item(GetParam().text), "");
}
INSTANTIATE_TEST_SUITE_P(
    Items,
    ValidItems,
    testing::Values(ItemCase{"rooms.a.example", "rooms.a.example", ""},
                    ItemCase{"ROOMS.a.example", "rooms.a.example", ""},
                    ItemCase{"rooms.a.example Rooms", "rooms.a.example", "Rooms"},
                    ItemCase{"rooms.a.example   Rooms to talk", "rooms.a.example", "Rooms to talk"},
                    ItemCase{"rooms.a.example ", "rooms.a.example", ""},
                    ItemCase{"bot@a.example A bot", "bot@a.example", "A bot"}));

class InvalidItems : public testing::TestWithParam<std::string_view> {};
TEST_P(InvalidItems, AreRefusedWithWhatIsAllowed) {
  EXPECT_FALSE(parse_item(GetParam()).has_value());
  EXPECT_NE(check_item(GetParam()), "");
}
INSTANTIATE_TEST_SUITE_P(Items, InvalidItems, testing::Values("", " Rooms", "@a.example", "a@ b"));

}  // namespace
}  // namespace rondel::modules::disco
