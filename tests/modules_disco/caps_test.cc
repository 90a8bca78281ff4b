#include "modules/disco/caps.h"

#include <gtest/gtest.h>
#include <utility>

namespace rondel::modules::disco {
namespace {

xmpp::DataForm server_info(std::vector<std::string> abuse, bool has_abuse_first) {
  xmpp::DataForm form =
      xmpp::DataForm::of(xmpp::DataFormType::result, "http://jabber.org/network/serverinfo");
  if (has_abuse_first) {
    form.add("abuse-addresses", "list-multi", abuse);
  }
  form.add("admin-addresses", "list-multi", {"xmpp:c@x"});
  if (!has_abuse_first) {
    form.add("abuse-addresses", "list-multi", std::move(abuse));
  }
  return form;
}

TEST(CapsVersion, IsThatOfTheSimpleExampleInTheXep) {
  api::DiscoInfo info;
  info.identities = {{"client", "pc", "Exodus 0.9.1"}};
  // In another order than the text sorts them.
  info.features = {"http://jabber.org/protocol/muc", "http://jabber.org/protocol/disco#items",
                   "http://jabber.org/protocol/caps", "http://jabber.org/protocol/disco#info"};
  EXPECT_EQ(caps_version(info, {}), "QgayPKawpkPSDYmwT/WM94uAlu0=");  // XEP-0115 §5.2
}

TEST(CapsVersion, CoversFormsWithFieldsAndValuesSorted) {
  api::DiscoInfo info;
  info.identities = {{"server", "im", "Rondel"}};
  info.features = {"urn:xmpp:ping"};
  // From `printf '…' | openssl dgst -binary -sha1 | base64`.
  const std::string expected = "XX24ArBKfvPEgRoN1fs6zfVS0ac=";
  EXPECT_EQ(caps_version(info, {server_info({"mailto:a@x", "mailto:b@x"}, true)}), expected);
  EXPECT_EQ(caps_version(info, {server_info({"mailto:b@x", "mailto:a@x"}, false)}), expected);
  EXPECT_NE(caps_version(info, {}), expected);
}

TEST(CapsVersion, SortsIdentitiesAndForms) {
  const std::vector<api::DiscoIdentity> identities{{"server", "im", "a"}, {"pubsub", "pep", ""}};
  const std::vector<xmpp::DataForm> forms{
      server_info({}, true), xmpp::DataForm::of(xmpp::DataFormType::result, "urn:example:first")};
  api::DiscoInfo one;
  one.identities = identities;
  api::DiscoInfo other;
  other.identities = {identities[1], identities[0]};
  EXPECT_EQ(caps_version(one, forms), caps_version(other, {forms[1], forms[0]}));
  other.identities[0].type = "service";
  EXPECT_NE(caps_version(one, forms), caps_version(other, forms));
}

}  // namespace
}  // namespace rondel::modules::disco
