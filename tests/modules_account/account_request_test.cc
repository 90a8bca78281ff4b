#include "modules/account/account_request.h"

#include <gtest/gtest.h>

#include "xml/document.h"
#include "xml/parser.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::account {
namespace {

using xmpp::StanzaErrorCondition;

base::Result<AccountRequest, StanzaErrorCondition> parse(const std::string& content,
                                                         const std::string& sender) {
  const auto query =
      xml::parse_standalone("<query xmlns='jabber:iq:register'>" + content + "</query>");
  EXPECT_TRUE(query.has_value()) << content;
  const auto jid = xmpp::Jid::parse(sender);
  return parse_account_request(query->root(), jid->view());
}

TEST(AccountRequest, ChangesThePasswordOfTheSender) {
  const auto request = parse("<username>bill</username><password>new &amp; better</password>",
                             "bill@shakespeare.lit/globe");
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->kind, AccountRequest::Kind::change_password);
  EXPECT_EQ(request->password, "new & better");
}

TEST(AccountRequest, PreparesTheNameAsAnAddressIs) {
  EXPECT_TRUE(parse("<password>p</password><username>BILL</username>", "bill@shakespeare.lit/globe")
                  .has_value());
}

TEST(AccountRequest, RemovesTheAccountOfTheSender) {
  const auto request = parse("<remove/>", "bill@shakespeare.lit/globe");
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->kind, AccountRequest::Kind::remove);
}

TEST(AccountRequest, RefusesWhatTheTablesOfTheXepSay) {
  const struct {
    const char* content;
    StanzaErrorCondition condition;
  } table[] = {
      {"", StanzaErrorCondition::bad_request},
      {"<username>bill</username>", StanzaErrorCondition::bad_request},
      {"<password>p</password>", StanzaErrorCondition::bad_request},
      {"<username>bill</username><password/>", StanzaErrorCondition::bad_request},
      {"<username>bill</username><password></password>", StanzaErrorCondition::bad_request},
      {"<remove/><username>bill</username>", StanzaErrorCondition::bad_request},
      {"<username>bill</username><remove/>", StanzaErrorCondition::bad_request},
      {"<username>will</username><password>p</password>", StanzaErrorCondition::not_allowed},
      {"<username/><password>p</password>", StanzaErrorCondition::not_allowed},
      {"<username>bill@other.lit</username><password>p</password>",
       StanzaErrorCondition::not_allowed},
      {"<remove xmlns='urn:other'/>", StanzaErrorCondition::bad_request},
  };
  for (const auto& row : table) {
    const auto request = parse(row.content, "bill@shakespeare.lit/globe");
    ASSERT_FALSE(request.has_value()) << row.content;
    EXPECT_EQ(request.error(), row.condition) << row.content;
  }
}

}  // namespace
}  // namespace rondel::modules::account
