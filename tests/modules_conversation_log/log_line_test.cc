#include "modules/conversation-log/log_line.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>

#include "xml/parser.h"

namespace rondel::modules::conversation_log {
namespace {

std::string line_of(std::string_view message) {
  auto document = xml::parse_standalone(message);
  EXPECT_TRUE(document);
  const auto stanza = xmpp::Stanza::from_document(std::move(*document));
  EXPECT_TRUE(stanza);
  return log_line(*stanza, 1'763'801'384'005, "delivered");
}

TEST(LogLine, HoldsTheFieldsInTheirOrder) {
  EXPECT_EQ(line_of("<message xmlns='jabber:client' from='a@x/r' to='b@x' type='chat' id='7'>"
                    "<body>But soft!</body></message>"),
            "2025-11-22T08:49:44.005Z\tdelivered\ta@x/r\tb@x\tchat\t7\tBut soft!");
}

TEST(LogLine, NamesTheTypeOfAMessageWithoutOne) {
  EXPECT_EQ(
      line_of("<message xmlns='jabber:client' from='a@x/r' to='b@x'><body>x</body></message>"),
      "2025-11-22T08:49:44.005Z\tdelivered\ta@x/r\tb@x\tnormal\t\tx");
}

TEST(LogLine, StaysOneLineOfSevenFieldsWhateverAPeerWrites) {
  const std::string line = line_of(
      "<message xmlns='jabber:client' from='a@x/r' to='b@x' id='&#10;&#9;'>"
      "<body>one&#10;two&#9;three&#13;&#x2028;four</body></message>");
  EXPECT_EQ(std::count(line.begin(), line.end(), '\t'), 6);
  EXPECT_EQ(line.find_first_of("\n\r"), std::string::npos);
  EXPECT_NE(line.find("\\n\\t\tone\\ntwo\\tthree\\r"), std::string::npos) << line;
  EXPECT_EQ(line.find("\u2028"), std::string::npos);
}

}  // namespace
}  // namespace rondel::modules::conversation_log
