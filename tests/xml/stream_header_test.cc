#include "xml/stream_header.h"

#include <gtest/gtest.h>
#include <string>

#include "tests/xml/samples.h"
#include "xml/element.h"
#include "xml/writer.h"

namespace rondel::xml {
namespace {

using namespace std::string_view_literals;

TEST(StreamHeader, TellsWhatThePeerSaid) {
  const auto header = parse_stream_header(kHeader);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->to, "example.org");
  EXPECT_EQ(header->from, std::nullopt);
  EXPECT_EQ(header->id, std::nullopt);
  EXPECT_EQ(header->version, "1.0");
  EXPECT_EQ(header->lang, "en");
  EXPECT_EQ(header->root_name, "stream");
  EXPECT_EQ(header->root_prefix, "stream");
  EXPECT_EQ(header->root_ns, kStreamsNamespace);
  EXPECT_EQ(header->content_namespace(), "jabber:client");
  EXPECT_EQ(&header->namespaces.bindings(), &StreamNamespaces::client().bindings());
  EXPECT_TRUE(check_stream_root(*header));
}

TEST(StreamHeader, IsReadAgainAsTheFirstTime) {
  const auto header_to = [](int host) {
    return "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
           "xmlns:h" +
           std::to_string(host) + "='urn:h' version='1.0' to='h" + std::to_string(host) + "'>";
  };
  // More than are remembered, so that some come from memory and some don't.
  for (int round = 0; round < 3; ++round) {
    for (int host = 0; host < 12; ++host) {
      for (int again = 0; again < 2; ++again) {
        const auto header = parse_stream_header(header_to(host));
        ASSERT_TRUE(header);
        EXPECT_EQ(header->to, "h" + std::to_string(host));
        EXPECT_EQ(header->version, "1.0");
        ASSERT_EQ(header->namespaces.bindings().prefixes.size(), 2U);
        EXPECT_EQ(header->namespaces.bindings().prefixes.front().first, "h" + std::to_string(host));
      }
    }
    for (int again = 0; again < 2; ++again) {
      EXPECT_EQ(parse_stream_header("<stream:stream to='h1'>").error(), XmlError::not_well_formed);
      EXPECT_EQ(parse_stream_header("").error(), XmlError::not_well_formed);
    }
  }
}

TEST(StreamHeader, KeepsBindingsBeyondTheUsual) {
  const auto header = parse_stream_header(
      "<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:client' xmlns:z='urn:z' "
      "xmlns:a='urn:a' from='' to='a&amp;b' id='&lt;'>");
  ASSERT_TRUE(header);
  EXPECT_EQ(header->from, "");
  EXPECT_EQ(header->to, "a&b");
  EXPECT_EQ(header->id, "<");
  EXPECT_EQ(header->version, std::nullopt);
  EXPECT_TRUE(check_stream_root(*header));
  EXPECT_EQ(header->namespaces,
            StreamNamespaces::of(
                "jabber:client",
                {{"a", "urn:a"}, {"s", std::string(kStreamsNamespace)}, {"z", "urn:z"}}));
  EXPECT_FALSE(header->namespaces == StreamNamespaces::client());
}

TEST(StreamHeader, IgnoresAttributesOfOtherNamespaces) {
  const auto header = parse_stream_header(
      "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns:p='urn:p' p:to='evil' "
      "xfrom='evil' p:from='evil' from='good'>");
  ASSERT_TRUE(header);
  EXPECT_EQ(header->to, std::nullopt);
  EXPECT_EQ(header->from, "good");
  EXPECT_EQ(header->content_namespace(), "");
}

TEST(StreamHeader, ReadsBackWhatWeWrite) {
  base::ByteBuffer out;
  write_stream_header({.content_namespace = kServerNamespace,
                       .to = "a'b",
                       .from = "<&>",
                       .id = "\"1\"",
                       .version = "1.0",
                       .lang = "de",
                       .has_dialback = true},
                      out);
  const auto header = parse_stream_header(out.text());
  ASSERT_TRUE(header) << out.text();
  EXPECT_EQ(header->to, "a'b");
  EXPECT_EQ(header->from, "<&>");
  EXPECT_EQ(header->id, "\"1\"");
  EXPECT_EQ(header->lang, "de");
  EXPECT_EQ(header->namespaces, StreamNamespaces::server());
}

TEST(StreamHeader, AcceptsEveryWayToSayUtf8) {
  constexpr std::string_view kTag = "<s xmlns='u'>";
  for (std::string_view declaration :
       {"<?xml version='1.0'?>", "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n",
        "<?xml version = '1.0'\tencoding\n=\r'Utf-8' ?> ",
        "<?xml version='1.0' encoding='UTF-8' standalone='yes'?>", ""}) {
    EXPECT_TRUE(parse_stream_header(std::string(declaration) + std::string(kTag))) << declaration;
  }
}

struct Case {
  std::string_view header;
  XmlError error;
};

TEST(StreamHeader, RefusesTheRestWithItsCondition) {
  for (const Case& bad : std::initializer_list<Case>{
           {"<?xml version='1.0' encoding='ISO-8859-1'?><s>", XmlError::unsupported_encoding},
           {"<?xml version='1.0' encoding='UTF-16'?><s>", XmlError::unsupported_encoding},
           {"<?xml version='1.0' encoding='utf8'?><s>", XmlError::unsupported_encoding},
           {"<?xml version='1.0' encoding=''?><s>", XmlError::unsupported_encoding},
           {"<?xml version='1.0'\nencoding = \"US-ASCII\"?><s>", XmlError::unsupported_encoding},
           {"\xff\xfe<\0s\0>\0"sv, XmlError::unsupported_encoding},
           {"\xfe\xff\0<\0s"sv, XmlError::unsupported_encoding},
           {"<\0s\0>\0"sv, XmlError::unsupported_encoding},
           {"\xef\xbb\xbf<s>", XmlError::not_well_formed},
           {"<?xml?><s>", XmlError::not_well_formed},
           {"<?xml version='1.1'?><s>", XmlError::not_well_formed},
           {"<?xml version='1.0' x='y'?><s>", XmlError::not_well_formed},
           {"<?xml encoding='UTF-8' version='1.0'?><s>", XmlError::not_well_formed},
           {"<?xml version='1.0'encoding='ISO-8859-1'?><s>", XmlError::not_well_formed},
           {"<?xml version='1.0' standalone='maybe'?><s>", XmlError::not_well_formed},
           {"<?xml version='1.0'", XmlError::not_well_formed},
           {"<?xml version='1.0'?>", XmlError::not_well_formed},
           {"", XmlError::not_well_formed},
           {"<!DOCTYPE s [<!ENTITY a 'b'>]><s>", XmlError::restricted_xml},
           {"<!DOCTYPE s SYSTEM 'file:///etc/passwd'><s>", XmlError::restricted_xml},
           {"<!-- c --><s>", XmlError::restricted_xml},
           {"<?pi?><s>", XmlError::restricted_xml},
           {"<s to='&lol;'>", XmlError::restricted_xml},
           {"<p:s>", XmlError::not_well_formed},
           {"<s p:a='1'>", XmlError::not_well_formed},
           {"<s to='a' to='b'>", XmlError::not_well_formed},
           {"<s to='&'>", XmlError::not_well_formed},
           {"<s to='\xff'>", XmlError::unsupported_encoding},
           {"<s", XmlError::not_well_formed},
           {"<s><t>", XmlError::not_well_formed},
           {"<s>text", XmlError::not_well_formed}}) {
    const auto header = parse_stream_header(bad.header);
    ASSERT_FALSE(header) << bad.header;
    EXPECT_EQ(header.error(), bad.error)
        << bad.header << " gave " << condition_name(header.error());
  }
}

TEST(StreamHeader, NamesWhatIsWrongWithARoot) {
  const auto other = parse_stream_header("<stream xmlns='jabber:client'>");
  ASSERT_TRUE(other);
  EXPECT_EQ(check_stream_root(*other).error(), XmlError::invalid_namespace);
  const auto name = parse_stream_header("<steam xmlns='http://etherx.jabber.org/streams'>");
  ASSERT_TRUE(name);
  EXPECT_EQ(check_stream_root(*name).error(), XmlError::bad_format);
}

TEST(XmlError, IsSpeltAsInTheRfc) {
  EXPECT_EQ(condition_name(XmlError::bad_format), "bad-format");
  EXPECT_EQ(condition_name(XmlError::invalid_namespace), "invalid-namespace");
  EXPECT_EQ(condition_name(XmlError::not_well_formed), "not-well-formed");
  EXPECT_EQ(condition_name(XmlError::policy_violation), "policy-violation");
  EXPECT_EQ(condition_name(XmlError::restricted_xml), "restricted-xml");
  EXPECT_EQ(condition_name(XmlError::unsupported_encoding), "unsupported-encoding");
}

}  // namespace
}  // namespace rondel::xml
