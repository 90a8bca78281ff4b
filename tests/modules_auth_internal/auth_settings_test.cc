#include "modules/auth-internal/auth_settings.h"

#include <gmock/gmock.h>

#include "config/document.h"
#include "modules/auth-internal/options.h"

namespace rondel::modules::auth_internal {
namespace {

using testing::ElementsAre;
using xmpp::ScramHash;

std::shared_ptr<const config::Snapshot> config_with(const std::string& text) {
  const std::string whole = R"(
[modules]
load = ["auth-internal"]
[[host]]
name = "a.example"
[[host]]
name = "b.example"
[[interface]]
name = "one"
listen = ["127.0.0.1:5222"]
tls = "off"
hosts = ["a.example"]
auth = ["internal"]
)" + text;
  const config::ModuleOptions modules[] = {{kModuleName, kOptions, "Passwords."}};
  const auto document = config::Document::parse(whole, "/etc/test.toml");
  EXPECT_TRUE(document.has_value());
  auto snapshot = config::Snapshot::create(*document, {}, modules);
  EXPECT_TRUE(snapshot.has_value()) << config::to_string(snapshot.error());
  return *snapshot;
}

TEST(AuthSettings, AreByDefaultEveryHashTheStrongestFirst) {
  const auto config = config_with("");
  const AuthSettings settings = settings_of(config->options(kModuleName, "a.example", "one"));
  EXPECT_THAT(settings.hashes,
              ElementsAre(ScramHash::sha_512, ScramHash::sha_256, ScramHash::sha_1));
  EXPECT_FALSE(settings.has_plain);
  EXPECT_EQ(settings.iterations, 10'000u);
}

TEST(AuthSettings, OfAHostHoldWhatAnyOfItsInterfacesOffers) {
  const auto config = config_with(R"(
[interface.module.auth-internal]
mechanisms = ["SCRAM-SHA-1", "PLAIN"]
[module.auth-internal]
mechanisms = ["SCRAM-SHA-256"]
iterations = 5000
)");
  const AuthSettings a = settings_of_host(*config, "a.example");
  EXPECT_THAT(a.hashes, ElementsAre(ScramHash::sha_256, ScramHash::sha_1));
  EXPECT_EQ(a.iterations, 5000u);
  EXPECT_THAT(settings_of_host(*config, "b.example").hashes, ElementsAre(ScramHash::sha_256));
}

TEST(AuthSettings, KeepAKeyToCompareWithWhereThereIsOnlyPlain) {
  const auto config = config_with("[module.auth-internal]\nmechanisms = [\"PLAIN\"]\n");
  EXPECT_THAT(settings_of(config->options(kModuleName, "a.example")).hashes, ElementsAre());
  EXPECT_THAT(settings_of_host(*config, "a.example").hashes, ElementsAre(ScramHash::sha_256));
}

TEST(Offer, NamesTheFormsWithChannelBindingFirst) {
  AuthSettings settings;
  settings.hashes = {ScramHash::sha_256, ScramHash::sha_1};
  settings.has_plain = true;
  EXPECT_THAT(offered_mechanisms(settings, true, true),
              ElementsAre("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1",
                          "PLAIN"));
  EXPECT_THAT(offered_mechanisms(settings, true, false),
              ElementsAre("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"));
}

TEST(Offer, HoldsNoPlainOnAPlainStream) {
  AuthSettings settings;
  settings.hashes = {ScramHash::sha_256};
  settings.has_plain = true;
  EXPECT_THAT(offered_mechanisms(settings, false, false), ElementsAre("SCRAM-SHA-256"));
}

}  // namespace
}  // namespace rondel::modules::auth_internal
