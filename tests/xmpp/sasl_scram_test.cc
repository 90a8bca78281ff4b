#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "xmpp/sasl/digest.h"
#include "xmpp/sasl/scram_server.h"

namespace rondel::xmpp {
namespace {

constexpr std::uint32_t kIterations = 4096;

std::string decoded(std::string_view base64) {
  return base::base64_decode(base64).value();
}

/// A known exchange from beginning to end.
struct Exchange {
  std::string_view mechanism;
  std::string_view salt;
  std::string_view server_nonce;
  SaslOffer offer;
  std::string_view client_first;
  std::string_view server_first;
  std::string_view client_final;
  std::string_view channel_binding_data;
  std::string_view server_final;
};

const std::vector<Exchange>& known_exchanges() {
  static const std::vector<Exchange> table{
      // RFC 5802 §5.
      {"SCRAM-SHA-1",
       "QSXCR+Q6sek8bf92",
       "3rfcNHYJY1ZVvWVs7j",
       {},
       "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
       "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
       "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
       "",
       "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
      // RFC 7677 §3.
      {"SCRAM-SHA-256",
       "W22ZaJ0SNY7soEsUEjb6gQ==",
       "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
       {},
       "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
       "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
       "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
       "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
       "",
       "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
      // The same for SHA-512, computed with Python's hashlib.
      {"SCRAM-SHA-512",
       "W22ZaJ0SNY7soEsUEjb6gQ==",
       "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
       {},
       "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
       "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
       "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
       "p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==",
       "",
       "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/"
       "AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw=="},
      // XEP-0474 §5.3: channel binding, the hash of the offer, an attribute that we don't know.
      {"SCRAM-SHA-1-PLUS",
       "QSXCR+Q6sek8bf92",
       "a09117a6-ac50-4f2f-93f1-93799c2bddf6",
       {{"SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"},
        {ChannelBindingType::tls_server_end_point, ChannelBindingType::tls_exporter}},
       "p=tls-exporter,,n=user,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6",
       "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,"
       "s=QSXCR+Q6sek8bf92,i=4096,h=G6k/rBLDqgOhRRaCuuatSDFkJ08=",
       "c=cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB,"
       "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,"
       "x=19C6532F-1CF4-4A27-A18D-DC9CEA41BBB3,p=M/SIDjT+dfcxUh89jZEypRvFxB4=",
       "THIS IS FAKE CB DATA",
       "v=MQrMPvv7yv4x4Cq4W4Ih25EqS2c="},
  };
  return table;
}

ScramKey key_of(const Exchange& exchange) {
  return derive_scram_key(parse_scram_mechanism(exchange.mechanism)->hash, "pencil",
                          decoded(exchange.salt), kIterations)
      .value();
}

TEST(ScramServer, FollowsTheKnownExchangesToTheLetter) {
  for (const Exchange& exchange : known_exchanges()) {
    SCOPED_TRACE(exchange.mechanism);
    ScramServer server(*parse_scram_mechanism(exchange.mechanism), exchange.server_nonce);
    const auto identity = server.start(exchange.client_first, exchange.offer);
    ASSERT_TRUE(identity.has_value()) << element_name(identity.error());
    EXPECT_EQ(identity->username, "user");
    EXPECT_EQ(identity->authzid, "");
    EXPECT_EQ(identity->channel_binding.has_value(), !exchange.channel_binding_data.empty());
    EXPECT_EQ(server.challenge(key_of(exchange)), exchange.server_first);
    const auto final = server.finish(exchange.client_final, exchange.channel_binding_data);
    ASSERT_TRUE(final.has_value()) << element_name(final.error());
    EXPECT_EQ(*final, exchange.server_final);
  }
}

TEST(ScramServer, RefusesAKnownExchangeWithAnyOneByteOfTheLastMessageChanged) {
  for (const Exchange& exchange : known_exchanges()) {
    for (std::size_t i = 0; i < exchange.client_final.size(); ++i) {
      std::string changed(exchange.client_final);
      changed[i] = changed[i] == 'A' ? 'B' : 'A';
      ScramServer server(*parse_scram_mechanism(exchange.mechanism), exchange.server_nonce);
      ASSERT_TRUE(server.start(exchange.client_first, exchange.offer).has_value());
      static_cast<void>(server.challenge(key_of(exchange)));
      EXPECT_FALSE(server.finish(changed, exchange.channel_binding_data).has_value()) << changed;
    }
  }
}

/// The client's side, for exchanges that are made up here.
struct Client {
  ScramMechanism mechanism{ScramHash::sha_256, false};
  SaslOffer offer{{"SCRAM-SHA-256"}, {}};
  std::string gs2_header = "n,,";
  std::string first_bare = "n=user,r=abc";
  std::string binding_data = {};
  std::string password = "pencil";

  [[nodiscard]] std::string first() const { return gs2_header + first_bare; }

  /// The client-final-message; `binding` and `nonce` empty: the right ones.
  [[nodiscard]] std::string final(std::string_view server_first,
                                  const ScramKey& key,
                                  std::string nonce = {},
                                  std::string extension = {}) const {
    if (nonce.empty()) {
      nonce = server_first.substr(2, server_first.find(',') - 2);
    }
    const std::string without_proof =
        "c=" + base::base64_encode(gs2_header + binding_data) + ",r=" + nonce + extension;
    const std::string salted = pbkdf2(key.hash, password, key.salt, key.iterations);
    const std::string client_key = hmac(key.hash, salted, "Client Key");
    const std::string message = first_bare + "," + std::string(server_first) + "," + without_proof;
    const std::string signature = hmac(key.hash, digest(key.hash, client_key), message);
    return without_proof + ",p=" + base::base64_encode(exclusive_or(client_key, signature));
  }
};

ScramKey pencil_key(ScramHash hash = ScramHash::sha_256) {
  return derive_scram_key(hash, "pencil", "0123456789abcdef", kIterations).value();
}

/// How the whole exchange ends.
base::Result<std::string, SaslFailure> run(const Client& client,
                                           ScramKey key,
                                           std::string_view server_binding_data) {
  ScramServer server(client.mechanism);
  RONDEL_TRY_VOID(server.start(client.first(), client.offer));
  const ScramKey copy = key;
  const std::string challenge = server.challenge(std::move(key));
  return server.finish(client.final(challenge, copy), server_binding_data);
}

TEST(ScramServer, LetsTheRightPasswordIn) {
  EXPECT_TRUE(run(Client{}, pencil_key(), "").has_value());
}

TEST(ScramServer, KeepsTheWrongPasswordOut) {
  Client client;
  client.password = "pencils";
  EXPECT_EQ(run(client, pencil_key(), "").error(), SaslFailure::not_authorized);
}

TEST(ScramServer, KeepsEveryoneOutWithAFakeKeyEvenIfTheProofFits) {
  ScramKey key = pencil_key();
  key.is_fake = true;
  EXPECT_EQ(run(Client{}, key, "").error(), SaslFailure::not_authorized);
}

struct ClientFirst {
  std::string_view message;
  SaslFailure failure;
};

TEST(ScramServer, RefusesMalformedFirstMessages) {
  const std::vector<std::string> table{
      "",
      "n",
      "n,",
      "n,,",
      "n,,n=user",
      "n,,n=user,",
      "n,,n=user,r=",
      "n,,n=user,r=abc,",
      "n,,n=user,x=1,r=abc",
      "n,,r=abc,n=user",
      "n,,n=,r=abc",
      "n,,u=user,r=abc",
      "n,n=user,r=abc,x=1",
      "n,a=,n=user,r=abc",
      "n,admin,n=user,r=abc",
      "n,a=ad=min,n=user,r=abc",
      "x,,n=user,r=abc",
      "F,n,,n=user,r=abc",
      "N,,n=user,r=abc",
      ",,n=user,r=abc",
      "p,,n=user,r=abc",
      "p=,,n=user,r=abc",
      "p=tls-exporter,,n=user,r=abc",  // the mechanism is not PLUS
      "n,,m=1,n=user,r=abc",           // an extension that must be understood
      "n,,n=user,r=abc,m=1",
      "n,,n=user,r=abc,x",
      "n,,n=user,r=abc,x=",
      "n,,n=user,r=abc,1=2",
      "n,,n=user,r=abc,xx=2",
      "n,,n=us=er,r=abc",
      "n,,n=us=2c,r=abc",
      "n,,n=us=3d,r=abc",
      "n,,n=user=,r=abc",
      "n,,n=user=2,r=abc",
      "n,,n=user,r=a bc",
      "n,,n=user,r=ab\xc3\xbc",
      "n,,n=user,r=ab\x7f",
      "n,,n=us\xff\x65r,r=abc",
      "n,,n=us\xc0\xafr,r=abc",
      "n,,n=us\x07r,r=abc",   // forbidden by SASLprep
      "n,,n=\xc2\xad,r=abc",  // nothing is left of it
      std::string("n,,n=user\0x,r=abc", 17),
      "n,,n=user,r=" + std::string(513, 'a'),
      "n,,n=user,r=abc,x=" + std::string(kScramMessageBytesMax, 'a'),
  };
  for (const std::string& message : table) {
    SCOPED_TRACE(message);
    ScramServer server({ScramHash::sha_256, false});
    const auto result = server.start(message, SaslOffer{{"SCRAM-SHA-256"}, {}});
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error(), SaslFailure::malformed_request);
  }
}

TEST(ScramServer, UnderstandsNamesAndExtensions) {
  struct Case {
    std::string_view message;
    std::string_view username;
    std::string_view authzid;
  };
  const std::vector<Case> table{
      {"n,,n=user,r=abc", "user", ""},
      {"y,,n=user,r=abc", "user", ""},
      {"n,a=user@example.org,n=user,r=abc", "user", "user@example.org"},
      {"n,a=a=2Cb=3Dc,n=x=2Cy=3Dz,r=abc", "x,y=z", "a,b=c"},
      {"n,,n=I\xc2\xadX,r=abc", "IX", ""},
      {"n,,n=\xe2\x85\xa8,r=abc", "IX", ""},
      {"n,,n=user,r=abc,x=1,Y==,z=a=b", "user", ""},
      {"n,,n=user,r=!+-~=", "user", ""},
  };
  for (const Case& each : table) {
    SCOPED_TRACE(each.message);
    ScramServer server({ScramHash::sha_1, false});
    const auto result = server.start(each.message, SaslOffer{{"SCRAM-SHA-1"}, {}});
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(result->username, each.username);
    EXPECT_EQ(result->authzid, each.authzid);
    EXPECT_FALSE(result->channel_binding.has_value());
  }
}

SaslOffer plus_offer() {
  return {{"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"},
          {ChannelBindingType::tls_exporter, ChannelBindingType::tls_server_end_point}};
}

TEST(ScramServer, DetectsThatSomebodyTookThePlusMechanismsAway) {
  ScramServer server({ScramHash::sha_256, false});
  EXPECT_EQ(server.start("y,,n=user,r=abc", plus_offer()).error(), SaslFailure::not_authorized);
}

TEST(ScramServer, LetsAClientThatCannotBindGoOnWithoutBinding) {
  ScramServer server({ScramHash::sha_256, false});
  EXPECT_TRUE(server.start("n,,n=user,r=abc", plus_offer()).has_value());
}

TEST(ScramServer, WantsABindingThatWasOfferedForAPlusMechanism) {
  for (const std::string_view flag :
       {"n", "y", "p=tls-unique", "p=tls-foo", "p=", "p=TLS-EXPORTER", "p=tls-exporter "}) {
    ScramServer server({ScramHash::sha_256, true});
    const auto result = server.start(std::string(flag) + ",,n=user,r=abc", plus_offer());
    ASSERT_FALSE(result.has_value()) << flag;
    EXPECT_EQ(result.error(), SaslFailure::malformed_request) << flag;
  }
  ScramServer server({ScramHash::sha_256, true});
  EXPECT_EQ(server.start("p=tls-server-end-point,,n=user,r=abc", plus_offer())->channel_binding,
            ChannelBindingType::tls_server_end_point);
}

Client bound_client() {
  Client client;
  client.mechanism.is_plus = true;
  client.offer = plus_offer();
  client.gs2_header = "p=tls-exporter,,";
  client.binding_data = "the keying material of this connection";
  return client;
}

TEST(ScramServer, LetsABoundClientInOnItsOwnConnectionOnly) {
  const Client client = bound_client();
  EXPECT_TRUE(run(client, pencil_key(), client.binding_data).has_value());
  EXPECT_EQ(run(client, pencil_key(), "that of another connection").error(),
            SaslFailure::not_authorized);
}

TEST(ScramServer, DoesNotBindToNothing) {
  Client client = bound_client();
  client.binding_data = "";
  EXPECT_EQ(run(client, pencil_key(), "").error(), SaslFailure::temporary_auth_failure);
}

TEST(ScramServer, IgnoresBindingDataWithoutBinding) {
  EXPECT_EQ(run(Client{}, pencil_key(), "").has_value(), true);
  Client client;
  client.binding_data = "extra";  // c= must be the header alone
  EXPECT_EQ(run(client, pencil_key(), "").error(), SaslFailure::not_authorized);
}

TEST(ScramServer, RefusesAChangedHeaderInTheLastMessage) {
  // The attacker turned "y" into "n" on the way: the header that the client signs tells.
  Client client;
  ScramServer server(client.mechanism);
  ASSERT_TRUE(server.start("n,,n=user,r=abc", client.offer).has_value());
  const std::string challenge = server.challenge(pencil_key());
  client.gs2_header = "y,,";
  EXPECT_EQ(server.finish(client.final(challenge, pencil_key())).error(),
            SaslFailure::not_authorized);
}

TEST(ScramServer, RefusesAnotherNonce) {
  const Client client;
  for (const std::string_view nonce : {"abc", "abcx", "x"}) {
    ScramServer server(client.mechanism, "server");
    ASSERT_TRUE(server.start(client.first(), client.offer).has_value());
    const std::string challenge = server.challenge(pencil_key());
    EXPECT_EQ(server.finish(client.final(challenge, pencil_key(), std::string(nonce))).error(),
              SaslFailure::not_authorized);
  }
}

TEST(ScramServer, TakesUnknownExtensionsIntoTheSignature) {
  const Client client;
  ScramServer server(client.mechanism);
  ASSERT_TRUE(server.start(client.first(), client.offer).has_value());
  const std::string challenge = server.challenge(pencil_key());
  EXPECT_TRUE(server.finish(client.final(challenge, pencil_key(), {}, ",x=1,y=2")).has_value());
}

TEST(ScramServer, RefusesMalformedFinalMessages) {
  const std::string proof = base::base64_encode(std::string(32, 'p'));
  const std::string good = "c=biws,r=abcserver,p=" + proof;
  const std::vector<std::string> table{
      "",
      "p=" + proof,
      "c=biws,p=" + proof,
      "c=biws,r=abcserver",
      "c=biws,r=abcserver,p=",
      "c=biws,r=abcserver,p",
      "r=abcserver,c=biws,p=" + proof,
      "c=bi ws,r=abcserver,p=" + proof,
      "c=biw,r=abcserver,p=" + proof,
      "c=biws,r=abcserver,,p=" + proof,
      "c=biws,r=abcserver,m=1,p=" + proof,
      "c=biws,r=abcserver,xx=1,p=" + proof,
      "c=biws,r=abcserver,p=" + proof.substr(1),
      "c=biws,r=abcserver,p=" + proof + ",x=1",
      "c=biws,r=abcserver,p=" + base::base64_encode(std::string(31, 'p')),
      "c=biws,r=abcserver,p=" + base::base64_encode(std::string(33, 'p')),
      "c=biws,r=abcserver,x=\xff,p=" + proof,
      std::string("c=biws,r=abcserver,x=\0,p=", 25) + proof,
      "c=biws,r=abcserver,x=" + std::string(kScramMessageBytesMax, 'x') + ",p=" + proof,
  };
  const Client client;
  for (const std::string& message : table) {
    SCOPED_TRACE(message);
    ScramServer server(client.mechanism, "server");
    ASSERT_TRUE(server.start(client.first(), client.offer).has_value());
    static_cast<void>(server.challenge(pencil_key()));
    const auto result = server.finish(message);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error(), SaslFailure::malformed_request);
  }
  // What the table's entries were made from has the right form, and the wrong proof.
  ScramServer server(client.mechanism, "server");
  ASSERT_TRUE(server.start(client.first(), client.offer).has_value());
  static_cast<void>(server.challenge(pencil_key()));
  EXPECT_EQ(server.finish(good).error(), SaslFailure::not_authorized);
}

TEST(ScramServer, TakesANewNonceEachTime) {
  const Client client;
  ScramServer one(client.mechanism);
  ScramServer other(client.mechanism);
  ASSERT_TRUE(one.start(client.first(), client.offer).has_value());
  ASSERT_TRUE(other.start(client.first(), client.offer).has_value());
  const std::string challenge = one.challenge(pencil_key());
  EXPECT_NE(challenge, other.challenge(pencil_key()));
  EXPECT_TRUE(challenge.starts_with("r=abc"));
}

TEST(ScramServer, AnswersAboutUnknownUsersAsAboutKnownOnes) {
  const Client client;
  const auto challenge_for = [&](ScramKey key) {
    ScramServer server(client.mechanism, "server");
    EXPECT_TRUE(server.start(client.first(), client.offer).has_value());
    return server.challenge(std::move(key));
  };
  const std::string known =
      challenge_for(make_scram_key(ScramHash::sha_256, "pencil", kIterations).value());
  const std::string unknown = challenge_for(
      fake_scram_key(ScramHash::sha_256, "secret", "nobody@example.org", kIterations));
  EXPECT_EQ(known.size(), unknown.size());
  EXPECT_EQ(unknown, challenge_for(fake_scram_key(ScramHash::sha_256, "secret",
                                                  "nobody@example.org", kIterations)));
}

TEST(ScramServer, IsMovableInTheMiddle) {
  const Client client;
  ScramServer first(client.mechanism);
  ASSERT_TRUE(first.start(client.first(), client.offer).has_value());
  ScramServer second = std::move(first);
  const std::string challenge = second.challenge(pencil_key());
  ScramServer third = std::move(second);
  EXPECT_TRUE(third.finish(client.final(challenge, pencil_key())).has_value());
}

TEST(ScramServerDeathTest, ServesEachStepOnceAndInOrder) {
  EXPECT_DEATH(static_cast<void>(ScramServer({ScramHash::sha_256, false}).finish("")), "state_");
  EXPECT_DEATH(static_cast<void>(ScramServer({ScramHash::sha_256, false}).challenge(pencil_key())),
               "state_");
  ScramServer failed({ScramHash::sha_256, false});
  EXPECT_FALSE(failed.start("", {}).has_value());
  EXPECT_DEATH(static_cast<void>(failed.challenge(pencil_key())), "state_");
}

TEST(HashOfOffer, IsThatOfTheSpecificationsExample) {
  const SaslOffer offer{
      {"SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"},
      {ChannelBindingType::tls_server_end_point, ChannelBindingType::tls_exporter}};
  EXPECT_EQ(hash_of_offer(ScramHash::sha_1, offer), "G6k/rBLDqgOhRRaCuuatSDFkJ08=");
}

TEST(HashOfOffer, SeparatesTheListsOnlyIfBindingsWereAnnounced) {
  const auto expected = [](std::string_view text) {
    return base::base64_encode(digest(ScramHash::sha_256, text));
  };
  EXPECT_EQ(hash_of_offer(ScramHash::sha_256, {{"PLAIN"}, {}}), expected("PLAIN"));
  EXPECT_EQ(hash_of_offer(ScramHash::sha_256, {{"b", "B", "a"}, {}}), expected("B\x1e"
                                                                               "a\x1e"
                                                                               "b"));
  EXPECT_EQ(hash_of_offer(ScramHash::sha_256, {{"X"}, {ChannelBindingType::tls_exporter}}),
            expected("X\x1ftls-exporter"));
}

TEST(Hmac, HasTheValuesOfItsSource) {
  // RFC 4231 §4.3, RFC 2202 §3 (2); the third from RFC 4231's hash with an empty key.
  const auto what = [] { return std::string("what do ya want for nothing?"); };
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(base::hex_encode(hmac(ScramHash::sha_256, "Jefe", what())),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(base::hex_encode(hmac(ScramHash::sha_1, "Jefe", what())),
              "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    EXPECT_EQ(base::hex_encode(hmac(ScramHash::sha_256, "", "")),
              "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    EXPECT_EQ(hmac(ScramHash::sha_512, std::string(200, 'k'), what()),
              hmac(ScramHash::sha_512, digest(ScramHash::sha_512, std::string(200, 'k')), what()))
        << "a key longer than a block stands for its digest";
  }
}

}  // namespace
}  // namespace rondel::xmpp
