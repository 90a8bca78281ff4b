#include "xmpp/stream_error.h"

#include <gtest/gtest.h>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_buffer.h"
#include "xmpp/namespaces.h"

namespace rondel::xmpp {
namespace {

// RFC 6120 §4.9.3, in its order.
const std::vector<std::string_view>& names() {
  static const std::vector<std::string_view> table{"bad-format",
                                                   "bad-namespace-prefix",
                                                   "conflict",
                                                   "connection-timeout",
                                                   "host-gone",
                                                   "host-unknown",
                                                   "improper-addressing",
                                                   "internal-server-error",
                                                   "invalid-from",
                                                   "invalid-namespace",
                                                   "invalid-xml",
                                                   "not-authorized",
                                                   "not-well-formed",
                                                   "policy-violation",
                                                   "remote-connection-failed",
                                                   "reset",
                                                   "resource-constraint",
                                                   "restricted-xml",
                                                   "see-other-host",
                                                   "system-shutdown",
                                                   "undefined-condition",
                                                   "unsupported-encoding",
                                                   "unsupported-feature",
                                                   "unsupported-stanza-type",
                                                   "unsupported-version"};
  return table;
}

TEST(StreamError, HasEveryConditionOfTheSpecification) {
  ASSERT_EQ(names().size(), kStreamErrorConditions);
  std::set<std::string_view> texts;
  for (std::size_t i = 0; i < names().size(); ++i) {
    const auto condition = static_cast<StreamErrorCondition>(i);
    EXPECT_EQ(to_text(condition), names()[i]);
    EXPECT_EQ(parse_stream_error_condition(names()[i]), condition);
    EXPECT_TRUE(default_text(condition).ends_with('.'));
    texts.insert(default_text(condition));
  }
  EXPECT_EQ(texts.size(), kStreamErrorConditions);
  EXPECT_EQ(to_text(StreamErrorCondition::unsupported_version), "unsupported-version");
  EXPECT_EQ(to_text(StreamErrorCondition::not_well_formed), "not-well-formed");
  EXPECT_FALSE(parse_stream_error_condition("text").has_value());
}

TEST(StreamError, IsNamedAsTheXmlErrorItComesFrom) {
  for (const auto error : {xml::XmlError::bad_format, xml::XmlError::invalid_namespace,
                           xml::XmlError::not_well_formed, xml::XmlError::policy_violation,
                           xml::XmlError::restricted_xml, xml::XmlError::unsupported_encoding}) {
    EXPECT_EQ(to_text(to_stream_error(error)), xml::condition_name(error));
  }
}

TEST(StreamError, HoldsItsConditionAndText) {
  const xml::Document document = make_stream_error(StreamErrorCondition::host_unknown);
  EXPECT_TRUE(document.root().is("error", ns::kStreams));
  const xml::Element* const condition = document.root().first_element();
  ASSERT_NE(condition, nullptr);
  EXPECT_TRUE(condition->is("host-unknown", ns::kStreamErrors));
  const xml::Element* const text = condition->next_element();
  ASSERT_NE(text, nullptr);
  EXPECT_TRUE(text->is("text", ns::kStreamErrors));
  EXPECT_EQ(text->lang(), "en");
  EXPECT_EQ(text->text(), default_text(StreamErrorCondition::host_unknown));
  EXPECT_EQ(text->next_element(), nullptr);
}

TEST(StreamError, TakesAnotherTextOrNone) {
  const xml::Document other = make_stream_error({StreamErrorCondition::reset, "New <certificate>"});
  EXPECT_EQ(other.root().child("text", ns::kStreamErrors)->text(), "New <certificate>");
  const xml::Document none = make_stream_error({StreamErrorCondition::reset, ""});
  EXPECT_EQ(none.root().child("text", ns::kStreamErrors), nullptr);
}

TEST(StreamError, NamesTheOtherHost) {
  StreamError error(StreamErrorCondition::see_other_host, "");
  error.content = "[2001:db8::1]:9222";
  const xml::Document document = make_stream_error(error);
  EXPECT_EQ(document.root().first_element()->text(), "[2001:db8::1]:9222");
}

TEST(StreamError, IsWrittenWithThePrefixOfTheStream) {
  base::ByteBuffer out;
  write_stream_error({StreamErrorCondition::system_shutdown, ""}, out);
  const std::string written(out.text());
  EXPECT_TRUE(written.starts_with("<stream:error><system-shutdown xmlns=")) << written;
  EXPECT_NE(written.find("urn:ietf:params:xml:ns:xmpp-streams"), std::string::npos);
  EXPECT_TRUE(written.ends_with("</stream:error>")) << written;
}

}  // namespace
}  // namespace rondel::xmpp
