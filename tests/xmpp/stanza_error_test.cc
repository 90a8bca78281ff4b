#include "xmpp/stanza_error.h"

#include <gtest/gtest.h>
#include <string_view>
#include <vector>

#include "xml/parser.h"
#include "xmpp/namespaces.h"

namespace rondel::xmpp {
namespace {

struct Defined {
  std::string_view name;
  std::string_view type;
};

// RFC 6120 §8.3.3, in its order.
const std::vector<Defined>& conditions() {
  static const std::vector<Defined> table{
      {"bad-request", "modify"},
      {"conflict", "cancel"},
      {"feature-not-implemented", "cancel"},
      {"forbidden", "auth"},
      {"gone", "cancel"},
      {"internal-server-error", "cancel"},
      {"item-not-found", "cancel"},
      {"jid-malformed", "modify"},
      {"not-acceptable", "modify"},
      {"not-allowed", "cancel"},
      {"not-authorized", "auth"},
      {"policy-violation", "modify"},
      {"recipient-unavailable", "wait"},
      {"redirect", "modify"},
      {"registration-required", "auth"},
      {"remote-server-not-found", "cancel"},
      {"remote-server-timeout", "wait"},
      {"resource-constraint", "wait"},
      {"service-unavailable", "cancel"},
      {"subscription-required", "auth"},
      {"undefined-condition", "cancel"},
      {"unexpected-request", "wait"},
  };
  return table;
}

xml::Document parsed(std::string_view text) {
  return xml::parse_standalone(text).value();
}

TEST(StanzaError, HasEveryConditionWithItsType) {
  ASSERT_EQ(conditions().size(), kStanzaErrorConditions);
  for (std::size_t i = 0; i < conditions().size(); ++i) {
    const auto condition = static_cast<StanzaErrorCondition>(i);
    SCOPED_TRACE(conditions()[i].name);
    EXPECT_EQ(element_name(condition), conditions()[i].name);
    EXPECT_EQ(to_text(default_type(condition)), conditions()[i].type);
    EXPECT_EQ(parse_stanza_error_condition(conditions()[i].name), condition);
  }
  EXPECT_EQ(element_name(StanzaErrorCondition::unexpected_request), "unexpected-request");
  EXPECT_EQ(element_name(StanzaErrorCondition::jid_malformed), "jid-malformed");
  EXPECT_FALSE(parse_stanza_error_condition("text").has_value());
  EXPECT_EQ(to_text(StanzaErrorType::continue_processing), "continue");
}

TEST(ErrorReply, ExchangesAddressesKeepsTheIdAndLeavesThePayloadOut) {
  const xml::Document original = parsed(
      "<iq xmlns='jabber:client' type='get' id='a&lt;1' from='a@example.org/r' "
      "to='example.org'><query xmlns='jabber:iq:version'/></iq>");
  const xml::Document expected = parsed(
      "<iq xmlns='jabber:client' type='error' id='a&lt;1' from='example.org' "
      "to='a@example.org/r'><error type='cancel'><service-unavailable "
      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
  const xml::Document reply =
      make_error_reply(original.root(), StanzaErrorCondition::service_unavailable);
  ASSERT_FALSE(reply.empty());
  EXPECT_TRUE(is_equal(reply.root(), expected.root()));
}

// RFC 6120 §8.3.1.
TEST(ErrorReply, HasAnEmptyIdForAnIqWithoutOneAndNoneForOthers) {
  const auto id_of_reply = [](std::string_view text) {
    const xml::Document original = parsed(text);
    const xml::Document reply =
        make_error_reply(original.root(), StanzaErrorCondition::bad_request);
    return std::string(reply.root().attribute_or("id", "none"));
  };
  EXPECT_EQ(id_of_reply("<iq xmlns='jabber:client' type='get'/>"), "");
  EXPECT_EQ(id_of_reply("<message xmlns='jabber:client'/>"), "none");
  EXPECT_EQ(id_of_reply("<presence xmlns='jabber:client'/>"), "none");
}

TEST(ErrorReply, CarriesTextTypeContentAndAuthor) {
  const xml::Document original = parsed("<message xmlns='jabber:client' to='b@example.org'/>");
  StanzaError error(StanzaErrorCondition::gone, "Moved");
  error.type = StanzaErrorType::modify;
  error.content = "xmpp:c@example.org";
  error.by = "example.org";
  const xml::Document expected = parsed(
      "<message xmlns='jabber:client' type='error' from='b@example.org'>"
      "<error type='modify' by='example.org'><gone "
      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:c@example.org</gone><text "
      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>Moved</text></error></message>");
  EXPECT_TRUE(is_equal(make_error_reply(original.root(), error).root(), expected.root()));
}

TEST(ErrorReply, StaysInTheNamespaceOfItsStream) {
  const xml::Document original = parsed("<presence xmlns='jabber:server' from='a' to='b'/>");
  const xml::Document reply = make_error_reply(original.root(), StanzaErrorCondition::bad_request);
  EXPECT_EQ(reply.root().ns(), ns::kServer);
  EXPECT_EQ(reply.root().first_element()->ns(), ns::kServer);
}

TEST(ErrorReply, IsNeverMadeForAnErrorAResultOrNoStanza) {
  for (const std::string_view text :
       {"<message xmlns='jabber:client' type='error'/>",
        "<presence xmlns='jabber:client' type='error'/>",
        "<iq xmlns='jabber:client' type='error' id='1'/>",
        "<iq xmlns='jabber:client' type='result' id='1'/>", "<auth xmlns='jabber:client'/>",
        "<message xmlns='urn:example'/>"}) {
    const xml::Document original = parsed(text);
    EXPECT_TRUE(make_error_reply(original.root(), StanzaErrorCondition::bad_request).empty())
        << text;
  }
  // An iq whose type is what is wrong with it is answered.
  const xml::Document wrong = parsed("<iq xmlns='jabber:client' type='foo' id='1'/>");
  EXPECT_FALSE(make_error_reply(wrong.root(), StanzaErrorCondition::bad_request).empty());
}

}  // namespace
}  // namespace rondel::xmpp
