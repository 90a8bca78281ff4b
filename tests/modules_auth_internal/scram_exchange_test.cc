#include "modules/auth-internal/scram_exchange.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "tests/modules_auth_internal/password_store.h"
#include "xmpp/sasl/digest.h"

namespace rondel::modules::auth_internal {
namespace {

using xmpp::ChannelBindingType;
using xmpp::SaslFailure;
using xmpp::ScramHash;

constexpr ScramHash kHash = ScramHash::sha_256;

struct Login {
  PasswordStore store{{kHash}};
  KeySource keys{std::string(kSecretBytes, 's')};
  ScramParameters parameters;

  Login() {
    parameters.stores = store.stores;
    parameters.host = "example.org";
    parameters.mechanism = {kHash, false};
    parameters.offer.mechanisms = {"SCRAM-SHA-256"};
    parameters.iterations = kIterations;
  }

  api::AuthStep step(ScramExchange& exchange, std::string input) {
    return store.executor.get_blocking(exchange.step(std::move(input), true));
  }

  /// How a client's whole login ends; `gs2` with `binding` is what it claims of the channel.
  api::AuthStep run(const std::string& user,
                    const std::string& password,
                    const std::string& gs2 = "n,,",
                    const std::string& binding = {}) {
    ScramExchange exchange(keys, parameters);
    const std::string first_bare = "n=" + user + ",r=abc";
    api::AuthStep first = step(exchange, gs2 + first_bare);
    const auto* challenge = std::get_if<api::AuthChallenge>(&first);
    if (challenge == nullptr) {
      return first;
    }
    const std::string server_first = challenge->data;
    const auto value = [&server_first](char name) {
      const std::size_t at = server_first.find(std::string(1, name) + "=") + 2;
      return server_first.substr(at, server_first.find(',', at) - at);
    };
    const std::string last = "c=" + base::base64_encode(gs2 + binding) + ",r=" + value('r');
    const std::string salted =
        xmpp::pbkdf2(kHash, password, *base::base64_decode(value('s')), kIterations);
    const std::string client_key = xmpp::hmac(kHash, salted, "Client Key");
    const std::string signature = xmpp::hmac(kHash, xmpp::digest(kHash, client_key),
                                             first_bare + "," + server_first + "," + last);
    return step(exchange,
                last + ",p=" + base::base64_encode(xmpp::exclusive_or(client_key, signature)));
  }
};

SaslFailure failure_of(const api::AuthStep& step) {
  const auto* failure = std::get_if<SaslFailure>(&step);
  return failure != nullptr ? *failure : SaslFailure::aborted;
}

TEST(ScramExchange, ProvesAUserAndTheServer) {
  Login login;
  const api::AuthStep end = login.run("romeo", "pencil");
  const auto* identity = std::get_if<api::AuthIdentity>(&end);
  ASSERT_NE(identity, nullptr) << element_name(failure_of(end));
  EXPECT_EQ(identity->local, "romeo");
  EXPECT_EQ(identity->authzid, "");
  EXPECT_TRUE(identity->data.starts_with("v="));
  EXPECT_TRUE(identity->account.has_value());
}

TEST(ScramExchange, EndsTheSameForAWrongPasswordAndAnUnknownUser) {
  Login login;
  EXPECT_EQ(failure_of(login.run("romeo", "pen")), SaslFailure::not_authorized);
  EXPECT_EQ(failure_of(login.run("nobody", "pencil")), SaslFailure::not_authorized);
}

TEST(ScramExchange, PassesTheAuthzidOnForTheCoreToJudge) {
  Login login;
  const api::AuthStep end = login.run("romeo", "pencil", "n,a=juliet@example.org,");
  const auto* identity = std::get_if<api::AuthIdentity>(&end);
  ASSERT_NE(identity, nullptr);
  EXPECT_EQ(identity->authzid, "juliet@example.org");
}

TEST(ScramExchange, AsksForTheFirstMessageWhereThereIsNoInitialResponse) {
  Login login;
  ScramExchange exchange(login.keys, login.parameters);
  const api::AuthStep asked = login.store.executor.get_blocking(exchange.step({}, false));
  ASSERT_TRUE(std::holds_alternative<api::AuthChallenge>(asked));
  EXPECT_EQ(std::get<api::AuthChallenge>(asked).data, "");
  EXPECT_TRUE(std::holds_alternative<api::AuthChallenge>(login.step(exchange, "n,,n=romeo,r=abc")));
}

TEST(ScramExchange, TakesNothingAfterItsEnd) {
  Login login;
  ScramExchange exchange(login.keys, login.parameters);
  EXPECT_EQ(failure_of(login.step(exchange, "nonsense")), SaslFailure::malformed_request);
  EXPECT_EQ(failure_of(login.step(exchange, "n,,n=romeo,r=abc")), SaslFailure::malformed_request);
}

TEST(ScramExchange, SaysTemporaryFailureWhileTheStorageIsAway) {
  Login login;
  login.store.outage = "users.credentials";
  EXPECT_EQ(failure_of(login.run("romeo", "pencil")), SaslFailure::temporary_auth_failure);
}

struct BoundLogin : Login {
  BoundLogin() {
    parameters.mechanism = {kHash, true};
    parameters.offer.mechanisms = {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"};
    parameters.offer.channel_bindings = {ChannelBindingType::tls_exporter};
    parameters.bindings = {{ChannelBindingType::tls_exporter, "the data"},
                           {ChannelBindingType::tls_server_end_point, "a hash"}};
  }
};

TEST(ScramExchange, BindsToTheChannelThatTheClientSees) {
  BoundLogin login;
  const api::AuthStep end = login.run("romeo", "pencil", "p=tls-exporter,,", "the data");
  const auto* identity = std::get_if<api::AuthIdentity>(&end);
  ASSERT_NE(identity, nullptr) << element_name(failure_of(end));
  EXPECT_EQ(identity->mechanism_detail, "binding=tls-exporter");
}

TEST(ScramExchange, RefusesAClientOnAnotherChannel) {
  BoundLogin login;
  EXPECT_EQ(failure_of(login.run("romeo", "pencil", "p=tls-exporter,,", "other data")),
            SaslFailure::not_authorized);
}

TEST(ScramExchange, RefusesAClientThatWasShownNoChannelBinding) {
  BoundLogin login;
  login.parameters.mechanism = {kHash, false};
  EXPECT_EQ(failure_of(login.run("romeo", "pencil", "y,,")), SaslFailure::not_authorized);
}

}  // namespace
}  // namespace rondel::modules::auth_internal
