#include "xmpp/data_form.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>

#include "xml/parser.h"
#include "xmpp/delay.h"
#include "xmpp/namespaces.h"

namespace rondel::xmpp {
namespace {

xml::Document parsed(std::string_view text) {
  return xml::parse_standalone(text).value();
}

TEST(DataForm, IsWrittenAsContactAddressesAre) {
  // XEP-0157 §2.
  DataForm form = DataForm::of(DataFormType::result, ns::kServerInfo);
  form.add("abuse-addresses", "list-multi", {"mailto:abuse@example.org", "xmpp:abuse@example.org"});
  xml::Document document = xml::Document::create("query", ns::kDiscoInfo);
  form.append_to(document.arena(), document.root());
  const xml::Document expected = parsed(
      "<query xmlns='http://jabber.org/protocol/disco#info'><x xmlns='jabber:x:data' type='result'>"
      "<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/network/serverinfo</value>"
      "</field><field var='abuse-addresses' type='list-multi'><value>mailto:abuse@example.org"
      "</value><value>xmpp:abuse@example.org</value></field></x></query>");
  EXPECT_TRUE(is_equal(document.root(), expected.root()));
}

TEST(DataForm, ReadsWhatItWrote) {
  DataForm form = DataForm::of(DataFormType::form, "jabber:iq:register");
  form.title = "Change of password";
  form.instructions = "Type <it> twice";
  form.add("password", "text-private", {});
  form.fields.back().label = "New password";
  form.fields.back().is_required = true;
  xml::Document document = xml::Document::create("query", ns::kRegister);
  const auto read = DataForm::parse(form.append_to(document.arena(), document.root()));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->type, DataFormType::form);
  EXPECT_EQ(read->form_type(), "jabber:iq:register");
  EXPECT_EQ(read->title, form.title);
  EXPECT_EQ(read->instructions, form.instructions);
  ASSERT_NE(read->field("password"), nullptr);
  EXPECT_EQ(read->field("password")->type, "text-private");
  EXPECT_EQ(read->field("password")->label, "New password");
  EXPECT_TRUE(read->field("password")->is_required);
  EXPECT_EQ(read->field("password")->value(), "");
  EXPECT_EQ(read->field("username"), nullptr);
}

TEST(DataForm, TakesAFormTypeWithoutHiddenOnASubmittedFormOnly) {
  const auto form_type_of = [](std::string_view type, std::string_view field_type) {
    const xml::Document document =
        parsed("<x xmlns='jabber:x:data' type='" + std::string(type) + "'><field var='FORM_TYPE'" +
               std::string(field_type) + "><value>urn:x</value></field></x>");
    return std::string(DataForm::parse(document.root())->form_type());
  };
  EXPECT_EQ(form_type_of("submit", ""), "urn:x");
  EXPECT_EQ(form_type_of("submit", " type='hidden'"), "urn:x");
  EXPECT_EQ(form_type_of("submit", " type='text-single'"), "");
  EXPECT_EQ(form_type_of("result", ""), "");
  EXPECT_EQ(form_type_of("form", " type='hidden'"), "urn:x");
}

TEST(DataForm, RefusesWhatIsNone) {
  for (const std::string_view text :
       {"<x xmlns='jabber:x:data'/>", "<x xmlns='jabber:x:data' type=''/>",
        "<x xmlns='jabber:x:data' type='foo'/>", "<y xmlns='jabber:x:data' type='form'/>",
        "<x xmlns='urn:x' type='form'/>"}) {
    EXPECT_FALSE(DataForm::parse(parsed(text).root()).has_value()) << text;
  }
}

TEST(DataForm, PassesOverWhatItDoesNotKnow) {
  const xml::Document document = parsed(
      "<x xmlns='jabber:x:data' type='cancel'><reported><field var='a'/></reported>text"
      "<field xmlns='urn:x' var='b'/><field/><field var='c'><value>1</value><other/>"
      "<value xmlns='urn:x'>2</value></field></x>");
  const auto form = DataForm::parse(document.root());
  ASSERT_TRUE(form.has_value());
  ASSERT_EQ(form->fields.size(), 2u);
  EXPECT_EQ(form->field("c")->values, std::vector<std::string>{"1"});
  EXPECT_EQ(form->form_type(), "");
}

TEST(DataForm, HasAtMostSoManyFieldsAndValues) {
  const auto form_of = [](std::size_t fields, std::size_t values) {
    std::string text = "<x xmlns='jabber:x:data' type='submit'>";
    for (std::size_t i = 0; i < fields; ++i) {
      text += "<field var='a'>";
      for (std::size_t k = 0; k < values; ++k) {
        text += "<value>v</value>";
      }
      text += "</field>";
    }
    return DataForm::parse(parsed(text + "</x>").root()).has_value();
  };
  EXPECT_TRUE(form_of(kDataFormFieldsMax, 1));
  EXPECT_FALSE(form_of(kDataFormFieldsMax + 1, 0));
  EXPECT_TRUE(form_of(1, kDataFormFieldsMax));
  EXPECT_FALSE(form_of(1, kDataFormFieldsMax + 1));
  EXPECT_FALSE(form_of(2, kDataFormFieldsMax / 2 + 1));
}

TEST(Delay, SaysWhoKeptTheStanzaSinceWhen) {
  xml::Document document = parsed("<message xmlns='jabber:client'/>");
  append_delay(document.arena(), document.root(), Jid::parse("example.org").value(), 0, "Offline");
  const xml::Document expected = parsed(
      "<message xmlns='jabber:client'><delay xmlns='urn:xmpp:delay' from='example.org' "
      "stamp='1970-01-01T00:00:00Z'>Offline</delay></message>");
  EXPECT_TRUE(is_equal(document.root(), expected.root()));
}

TEST(Delay, OfOursIsTakenOutWherePeersClaimIt) {
  xml::Document document = parsed(
      "<message xmlns='jabber:client'><delay xmlns='urn:xmpp:delay' from='Example.ORG'/>"
      "<body>x</body><delay xmlns='urn:xmpp:delay' from='room@example.org'/>"
      "<delay xmlns='urn:xmpp:delay'/><delay xmlns='urn:x' from='example.org'/>"
      "<delay xmlns='urn:xmpp:delay' from='example.org.'/></message>");
  const xml::Document expected = parsed(
      "<message xmlns='jabber:client'>"
      "<body>x</body><delay xmlns='urn:xmpp:delay' from='room@example.org'/>"
      "<delay xmlns='urn:xmpp:delay'/><delay xmlns='urn:x' from='example.org'/></message>");
  EXPECT_EQ(remove_delays_from(document.root(), Jid::parse("example.org").value()), 2u);
  EXPECT_TRUE(is_equal(document.root(), expected.root()));
}

}  // namespace
}  // namespace rondel::xmpp
