#include "xmpp/stanza.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "xml/parser.h"
#include "xml/writer.h"
#include "xmpp/namespaces.h"

namespace rondel::xmpp {
namespace {

xml::Document parsed(std::string_view text) {
  return xml::parse_standalone(text).value();
}

/// A stanza in jabber:client; `rest` is what follows the opening name.
xml::Document client(std::string_view name, std::string_view rest) {
  return parsed("<" + std::string(name) + " xmlns='jabber:client' " + std::string(rest) + "</" +
                std::string(name) + ">");
}

Stanza stanza_of(std::string_view name, std::string_view rest) {
  return Stanza::from_document(client(name, rest)).value();
}

TEST(Stanza, KnowsItsKindByNameAndNamespace) {
  EXPECT_EQ(kind_of(parsed("<message xmlns='jabber:client'/>").root()), StanzaKind::message);
  EXPECT_EQ(kind_of(parsed("<presence xmlns='jabber:server'/>").root()), StanzaKind::presence);
  EXPECT_EQ(kind_of(parsed("<iq xmlns='jabber:client'/>").root()), StanzaKind::iq);
  EXPECT_FALSE(kind_of(parsed("<Message xmlns='jabber:client'/>").root()).has_value());
  EXPECT_FALSE(kind_of(parsed("<message xmlns='urn:x'/>").root()).has_value());
  EXPECT_FALSE(kind_of(parsed("<message/>").root()).has_value());
  EXPECT_EQ(Stanza::from_document(parsed("<message/>")).error(), StanzaErrorCondition::bad_request);
}

TEST(Stanza, TakesMessageTypesAndMakesUnknownOnesNormal) {
  const std::vector<std::pair<std::string_view, MessageType>> table{
      {">", MessageType::normal},
      {"type='normal'>", MessageType::normal},
      {"type='chat'>", MessageType::chat},
      {"type='groupchat'>", MessageType::groupchat},
      {"type='headline'>", MessageType::headline},
      {"type='error'>", MessageType::error},
      {"type=''>", MessageType::normal},
      {"type='Chat'>", MessageType::normal},
      {"type='foo'>", MessageType::normal},
  };
  for (const auto& [rest, type] : table) {
    const Stanza stanza = stanza_of("message", rest);
    EXPECT_TRUE(stanza.is_message());
    EXPECT_EQ(stanza.message_type(), type) << rest;
    EXPECT_EQ(stanza.is_error(), type == MessageType::error);
    EXPECT_FALSE(stanza.is_request() || stanza.is_response() || stanza.is_availability());
  }
}

TEST(Stanza, TakesPresenceTypesAndRefusesUnknownOnes) {
  const std::vector<std::pair<std::string_view, PresenceType>> table{
      {">", PresenceType::available},
      {"type='unavailable'>", PresenceType::unavailable},
      {"type='subscribe'>", PresenceType::subscribe},
      {"type='subscribed'>", PresenceType::subscribed},
      {"type='unsubscribe'>", PresenceType::unsubscribe},
      {"type='unsubscribed'>", PresenceType::unsubscribed},
      {"type='probe'>", PresenceType::probe},
      {"type='error'>", PresenceType::error},
  };
  for (const auto& [rest, type] : table) {
    const Stanza stanza = stanza_of("presence", rest);
    EXPECT_EQ(stanza.presence_type(), type) << rest;
    EXPECT_EQ(stanza.is_error(), type == PresenceType::error);
    EXPECT_EQ(stanza.is_availability(),
              type == PresenceType::available || type == PresenceType::unavailable);
    EXPECT_EQ(stanza.is_subscription(),
              type >= PresenceType::subscribe && type <= PresenceType::unsubscribed);
  }
  for (const std::string_view rest :
       {"type='available'>", "type=''>", "type='invisible'>", "type='Subscribe'>"}) {
    EXPECT_EQ(Stanza::from_document(client("presence", rest)).error(),
              StanzaErrorCondition::bad_request)
        << rest;
  }
}

TEST(Stanza, TakesRightIqs) {
  struct Case {
    std::string_view rest;
    IqType type;
    std::string_view payload;
  };
  const std::vector<Case> table{
      {"id='1' type='get'><query xmlns='a'/>", IqType::get, "query"},
      {"id='1' type='set'> <query xmlns='a'/> ", IqType::set, "query"},
      {"id='1' type='result'>", IqType::result, ""},
      {"id='1' type='result'><query xmlns='a'/>", IqType::result, "query"},
      {"id='1' type='error'><error/>", IqType::error, ""},
      {"id='1' type='error'><query xmlns='a'/><error/>", IqType::error, "query"},
      {"id='1' type='error'><error/><query xmlns='a'/>", IqType::error, "query"},
  };
  for (const Case& each : table) {
    SCOPED_TRACE(each.rest);
    const Stanza stanza = stanza_of("iq", each.rest);
    EXPECT_EQ(stanza.iq_type(), each.type);
    EXPECT_EQ(stanza.id(), "1");
    EXPECT_EQ(stanza.is_request(), each.type == IqType::get || each.type == IqType::set);
    EXPECT_EQ(stanza.is_response(), !stanza.is_request());
    EXPECT_EQ(stanza.payload() == nullptr ? "" : stanza.payload()->name(), each.payload);
    EXPECT_EQ(stanza.payload("query", "a") != nullptr, !each.payload.empty());
    EXPECT_EQ(stanza.payload("query", "b"), nullptr);
  }
}

TEST(Stanza, RefusesWrongIqs) {
  for (const std::string_view rest :
       {"type='get'><query xmlns='a'/>", "id='' type='get'><query xmlns='a'/>",
        "id='1'><query xmlns='a'/>", "id='1' type=''><query xmlns='a'/>",
        "id='1' type='foo'><query xmlns='a'/>", "id='1' type='GET'><query xmlns='a'/>",
        "id='1' type='get'>", "id='1' type='set'>text", "id='1' type='get'><a/><b/>",
        "id='1' type='set'><a/><b/>", "id='1' type='result'><a/><b/>", "id='1' type='error'>",
        "id='1' type='error'><query xmlns='a'/>", "id='1' type='error'><error xmlns='a'/>"}) {
    EXPECT_EQ(Stanza::from_document(client("iq", rest)).error(), StanzaErrorCondition::bad_request)
        << rest;
  }
}

TEST(Stanza, LeavesTheDocumentWithTheCallerWhenItRefuses) {
  xml::Document document = client("iq", "id='7' type='get' from='a@example.org/r'>");
  ASSERT_FALSE(Stanza::from_document(std::move(document)).has_value());
  ASSERT_FALSE(document.empty());  // NOLINT(bugprone-use-after-move): taken on success only
  const xml::Document reply = make_error_reply(document.root(), StanzaErrorCondition::bad_request);
  EXPECT_EQ(reply.root().attribute("to"), "a@example.org/r");
  EXPECT_EQ(reply.root().attribute("id"), "7");
}

TEST(Stanza, NormalisesItsAddressesInTreeAndViews) {
  const Stanza stanza =
      stanza_of("message", "from='Romeo@Example.ORG/Orchard' to='b\u00dccher.example.'>");
  EXPECT_EQ(stanza.from().full(), "romeo@example.org/Orchard");
  EXPECT_EQ(stanza.to().full(), "b\u00fccher.example");
  EXPECT_EQ(stanza.root().attribute("from"), "romeo@example.org/Orchard");
  EXPECT_EQ(stanza.root().attribute("to"), "b\u00fccher.example");
}

TEST(Stanza, RefusesMalformedAddresses) {
  for (const std::string_view rest :
       {"to='@example.org'>", "to=''>", "to='a b@example.org'>", "from='a@'>", "from=''>"}) {
    EXPECT_EQ(Stanza::from_document(client("message", rest)).error(),
              StanzaErrorCondition::jid_malformed)
        << rest;
  }
}

TEST(Stanza, HasEmptyViewsOfAbsentAttributes) {
  const Stanza stanza = stanza_of("message", ">");
  EXPECT_TRUE(stanza.from().is_empty());
  EXPECT_TRUE(stanza.to().is_empty());
  EXPECT_EQ(stanza.id(), "");
  EXPECT_TRUE(Stanza().is_empty());
}

TEST(Stanza, SetsAddressesInTreeAndViewsFromMemoryThatGoes) {
  Stanza stanza = stanza_of("message", "to='b@example.org'>");
  {
    const Jid from = Jid::parse("a@example.org/r").value();
    stanza.set_from(from);
    const Jid to = Jid::parse("c@example.org").value();
    stanza.set_to(to);
    stanza.set_id(std::string("id-") + std::string(40, 'x'));
  }
  EXPECT_EQ(stanza.from().full(), "a@example.org/r");
  EXPECT_EQ(stanza.from().resource(), "r");
  EXPECT_EQ(stanza.to().full(), "c@example.org");
  EXPECT_EQ(stanza.root().attribute("from"), "a@example.org/r");
  EXPECT_EQ(stanza.root().attribute("to"), "c@example.org");
  EXPECT_EQ(stanza.id(), "id-" + std::string(40, 'x'));
  stanza.set_to(stanza.to().domain_view());  // a view into what is being replaced
  EXPECT_EQ(stanza.to().full(), "example.org");
  stanza.set_to(JidView());
  EXPECT_TRUE(stanza.to().is_empty());
  EXPECT_FALSE(stanza.root().has_attribute("to"));
}

TEST(Stanza, KeepsItsViewsThroughMoves) {
  Stanza first = stanza_of("iq", "id='1' type='get' from='A@example.org/r' to='b'><q xmlns='x'/>");
  Stanza second = std::move(first);
  Stanza third;
  third = std::move(second);
  EXPECT_EQ(third.from().full(), "a@example.org/r");
  EXPECT_EQ(third.to().full(), "b");
  EXPECT_EQ(third.id(), "1");
  EXPECT_EQ(third.iq_type(), IqType::get);
  static_assert(std::is_nothrow_move_constructible_v<Stanza>);
}

TEST(Stanza, IsClonedWithMemoryOfItsOwn) {
  Stanza copy;
  {
    const Stanza original =
        stanza_of("message", "id='1' type='chat' from='A@b/r' to='c'><body>x</body>");
    copy = original.clone();
    EXPECT_TRUE(is_equal(copy.root(), original.root()));
  }
  EXPECT_EQ(copy.from().full(), "a@b/r");
  EXPECT_EQ(copy.to().full(), "c");
  EXPECT_EQ(copy.id(), "1");
  EXPECT_EQ(copy.message_type(), MessageType::chat);
  EXPECT_TRUE(Stanza().clone().is_empty());
}

TEST(Stanza, GivesItsTreeAway) {
  Stanza stanza = stanza_of("message", "to='a'>");
  const xml::Document document = std::move(stanza).release();
  EXPECT_EQ(document.root().attribute("to"), "a");
  EXPECT_TRUE(stanza.is_empty());  // NOLINT(bugprone-use-after-move): said by release()
  EXPECT_TRUE(stanza.to().is_empty());
}

TEST(IqResult, ExchangesAddressesAndKeepsTheId) {
  const Stanza request =
      stanza_of("iq", "id='x' type='get' from='a@b/r' to='b'><ping xmlns='urn:xmpp:ping'/>");
  const xml::Document expected =
      parsed("<iq xmlns='jabber:client' id='x' type='result' from='b' to='a@b/r'/>");
  EXPECT_TRUE(is_equal(make_iq_result(request).root(), expected.root()));
  const Stanza without_to = stanza_of("iq", "id='x' type='get' from='a@b/r'><p xmlns='x'/>");
  const xml::Document to_only =
      parsed("<iq xmlns='jabber:client' id='x' type='result' to='a@b/r'/>");
  EXPECT_TRUE(is_equal(make_iq_result(without_to).root(), to_only.root()));
}

TEST(NewStanzas, AreOfTheRightForm) {
  const Jid from = Jid::parse("a@b/r").value();
  const Jid to = Jid::parse("c@d").value();
  EXPECT_TRUE(is_equal(make_iq(IqType::set, "1", from, to).root(),
                       client("iq", "type='set' id='1' from='a@b/r' to='c@d'>").root()));
  EXPECT_TRUE(is_equal(make_presence(PresenceType::available, from, JidView()).root(),
                       client("presence", "from='a@b/r'>").root()));
  EXPECT_TRUE(is_equal(make_presence(PresenceType::unavailable, from, to).root(),
                       client("presence", "type='unavailable' from='a@b/r' to='c@d'>").root()));
  EXPECT_TRUE(is_equal(make_message(MessageType::chat, from, to).root(),
                       client("message", "type='chat' from='a@b/r' to='c@d'>").root()));
}

}  // namespace
}  // namespace rondel::xmpp
