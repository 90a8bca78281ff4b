// What two ends agree on: version, cipher, name, protocol, bindings.
#include <gtest/gtest.h>

#include "tests/tls/test_pki.h"
#include "tests/tls/tls_client.h"
#include "tls/context.h"

namespace rondel::tls {
namespace {

class Handshake : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    pki = new TestPki();
    const std::vector<HostCertificate> hosts = {
        pki->issue("one", {{"one.example"}}),
        pki->issue("two-ec", {{"two.example", "*.two.example"}}),
        pki->issue("two-rsa", {{"two.example", "*.two.example"}, KeyKind::rsa_2048}),
        pki->issue("three", {{"three.example", "chat.three.example"}}),
    };
    contexts = TlsContexts::load(hosts, {}).value();
  }
  static void TearDownTestSuite() {
    contexts.reset();
    delete pki;
  }
  static inline TestPki* pki = nullptr;
  static inline std::shared_ptr<const TlsContexts> contexts;
};

struct Row {
  const char* label;
  int version;
  std::string cipher12;
  std::string cipher13;
  std::string agreed;
  std::size_t cut;
};
class EveryCipher : public Handshake, public testing::WithParamInterface<Row> {};

TEST_P(EveryCipher, CarriesDataBothWaysAndBindsBothEndsAlike) {
  const Row& row = GetParam();
  ClientOptions options;
  options.version = row.version;
  options.sni = "two.example";
  options.ciphers12 = row.cipher12;
  options.ciphers13 = row.cipher13;
  options.trusted_root = pki->root();
  Link link(contexts, options, {}, row.cut);
  EXPECT_EQ(link.channel->state(), State::handshaking);
  EXPECT_FALSE(link.channel->exporter().has_value());
  ASSERT_EQ(link.pump(), Status::ok) << link.channel->failure().text << link.client.error();
  ASSERT_TRUE(link.channel->is_established());
  ASSERT_TRUE(link.client.is_established()) << link.client.error();

  const TlsInfo& info = link.channel->info();
  EXPECT_EQ(info.version, row.version == 12 ? "TLSv1.2" : "TLSv1.3");
  EXPECT_EQ(info.cipher, row.agreed);
  EXPECT_EQ(info.cipher, link.client.cipher());
  EXPECT_EQ(info.sni, "two.example");
  EXPECT_EQ(info.host, "two.example");
  EXPECT_EQ(info.engine, info.version == "TLSv1.3" ? Engine::compact : Engine::retained);
  EXPECT_FALSE(info.is_resumed);
  EXPECT_EQ(link.channel->exporter(), link.client.exporter());
  EXPECT_EQ(link.channel->server_end_point(), link.client.end_point("SHA256"));
  link.channel->forget_bindings();
  EXPECT_FALSE(link.channel->exporter().has_value());
  EXPECT_FALSE(link.channel->server_end_point().has_value());

  link.client.send("<stream/>");
  link.server_send("<features/>");
  ASSERT_EQ(link.pump(), Status::ok);
  EXPECT_EQ(link.plain.text(), "<stream/>");
  EXPECT_EQ(link.client.plain(), "<features/>");
}

const std::string k128 = "TLS_AES_128_GCM_SHA256";
const std::string k256 = "TLS_AES_256_GCM_SHA384";
const std::string kChaCha = "TLS_CHACHA20_POLY1305_SHA256";
INSTANTIATE_TEST_SUITE_P(Tls,
                         EveryCipher,
                         testing::Values(Row{"aes128_13", 13, "", k128, k128, 0},
                                         Row{"aes256_13", 13, "", k256, k256, 0},
                                         Row{"chacha_13", 13, "", kChaCha, kChaCha, 0},
                                         Row{"ours_first_13", 13, "", k256 + ":" + k128, k128, 0},
                                         Row{"chacha_if_the_client_likes_it_best_13", 13, "",
                                             kChaCha + ":" + k128, kChaCha, 0},
                                         Row{"byte_by_byte_13", 13, "", k128, k128, 1},
                                         Row{"odd_pieces_13", 13, "", k128, k128, 7},
                                         Row{"ec_12", 12, "ECDHE-ECDSA-AES128-GCM-SHA256", "",
                                             "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0},
                                         Row{"rsa_12", 12, "ECDHE-RSA-AES256-GCM-SHA384", "",
                                             "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0},
                                         Row{"chacha_12", 12, "ECDHE-RSA-CHACHA20-POLY1305", "",
                                             "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0},
                                         Row{"byte_by_byte_12", 12, "ECDHE-ECDSA-AES128-GCM-SHA256",
                                             "", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 1}),
                         [](const auto& row) { return std::string(row.param.label); });

struct NameRow {
  std::string asked;
  std::string host;
};

TEST_F(Handshake, TheNameAskedForChoosesTheCertificate) {
  const NameRow rows[] = {
      {"one.example", "one.example"},
      {"", "one.example"},
      {"ONE.example", "one.example"},
      {"two.example", "two.example"},
      {"a.two.example", "two.example"},
      {"chat.three.example", "three.example"},
      {"three.example", "three.example"},
      {"a.b.two.example", "one.example"},  // A wildcard stands for one label only.
      {"b.three.example", "one.example"},
      {"unknown.example", "one.example"},
  };
  for (const bool is_direct : {false, true}) {
    for (const NameRow& row : rows) {
      ClientOptions options;
      options.sni = row.asked;
      Link link(contexts, options, {is_direct});
      ASSERT_EQ(link.pump(), Status::ok) << row.asked;
      EXPECT_EQ(link.client.peer_common_name(), row.host) << row.asked;
      EXPECT_EQ(link.channel->info().host, row.host);
      EXPECT_EQ(contexts->host_for(row.asked), row.host);
    }
  }
}

// RFC 6120 §5.4.3.1: the stream's host counts where the client asks for no name that is known.
TEST_F(Handshake, TheStreamsHostChoosesWhereNoNameDoes) {
  struct Stream {
    std::string asked;
    std::string opened_to;
    std::string host;
  };
  const Stream rows[] = {
      {"", "two.example", "two.example"},
      {"unknown.example", "two.example", "two.example"},
      {"three.example", "two.example", "three.example"},
      {"", "unknown.example", "one.example"},
      {"", "", "one.example"},
  };
  for (const Stream& row : rows) {
    ClientOptions options;
    options.sni = row.asked;
    Link link(contexts, options, AcceptOptions{.host = row.opened_to});
    ASSERT_EQ(link.pump(), Status::ok) << row.asked;
    EXPECT_EQ(link.client.peer_common_name(), row.host) << row.asked;
    EXPECT_EQ(link.channel->info().host, row.host);
    EXPECT_EQ(link.channel->info().sni, row.asked);
  }
}

TEST_F(Handshake, AHostWithTwoKeysServesTheOneThatTheClientCanCheck) {
  ClientOptions options;
  options.sni = "two.example";
  options.trusted_root = pki->root();
  options.version = 12;
  options.ciphers12 = "ECDHE-RSA-AES128-GCM-SHA256";
  Link rsa(contexts, options);
  ASSERT_EQ(rsa.pump(), Status::ok);
  EXPECT_EQ(rsa.client.peer_key_type(), "RSA");
  EXPECT_EQ(rsa.channel->server_end_point(), rsa.client.end_point("SHA256"));
  options.ciphers12 = "ECDHE-ECDSA-AES128-GCM-SHA256";
  Link ec(contexts, options);
  ASSERT_EQ(ec.pump(), Status::ok);
  EXPECT_EQ(ec.client.peer_key_type(), "EC");
  EXPECT_EQ(ec.channel->server_end_point(), ec.client.end_point("SHA256"));
  EXPECT_NE(ec.channel->server_end_point(), rsa.channel->server_end_point());
}

struct AlpnRow {
  std::vector<std::string> offered;
  bool is_direct;
  std::string chosen;
  int alert;
};

TEST_F(Handshake, AlpnIsBindingOnDirectTlsAndAHintOnStartTls) {
  const AlpnRow rows[] = {
      {{}, true, "", -1},
      {{"xmpp-client"}, true, "xmpp-client", -1},
      {{"http/1.1", "xmpp-client"}, true, "xmpp-client", -1},
      {{"http/1.1"}, true, "", 120},
      {{"xmpp-server", "xmpp-clien"}, true, "", 120},
      {{}, false, "", -1},
      {{"xmpp-client"}, false, "xmpp-client", -1},
      {{"http/1.1"}, false, "", -1},
  };
  for (const int version : {12, 13}) {
    for (const AlpnRow& row : rows) {
      ClientOptions options;
      options.version = version;
      options.alpn = row.offered;
      Link link(contexts, options, {row.is_direct});
      const Status status = link.pump();
      EXPECT_EQ(link.client.alert(), row.alert);
      EXPECT_EQ(status, row.alert < 0 ? Status::ok : Status::failed);
      EXPECT_EQ(link.channel->info().alpn, row.chosen);
      EXPECT_EQ(link.channel->failure().alert, row.alert);
      if (row.alert < 0) {
        EXPECT_EQ(link.client.alpn(), row.chosen);
      }
    }
  }
}

TEST_F(Handshake, AnotherProtocolCanBeServedOnAnotherInterface) {
  ClientOptions options;
  options.alpn = {"xmpp-server"};
  Link link(contexts, options, {true, "xmpp-server"});
  ASSERT_EQ(link.pump(), Status::ok);
  EXPECT_EQ(link.channel->info().alpn, "xmpp-server");
}

TEST_F(Handshake, WithoutExtendedMasterSecretThereIsNoExporterButAnEndPoint) {
  ClientOptions options;
  options.version = 12;
  options.has_extended_master_secret = false;
  Link link(contexts, options);
  ASSERT_EQ(link.pump(), Status::ok);
  EXPECT_FALSE(link.channel->exporter().has_value());
  EXPECT_EQ(link.channel->server_end_point(), link.client.end_point("SHA256"));
}

TEST_F(Handshake, TwoConnectionsExportDifferentBindings) {
  Link first(contexts, {});
  Link second(contexts, {});
  ASSERT_EQ(first.pump(), Status::ok);
  ASSERT_EQ(second.pump(), Status::ok);
  EXPECT_EQ(first.channel->exporter()->size(), 32U);
  EXPECT_NE(first.channel->exporter(), second.channel->exporter());
}

struct EndPointRow {
  KeyKind issuer;
  std::string signature;
  const char* expected;  ///< Null: absent.
};

TEST(EndPoint, TheHashIsThatOfTheCertificatesSignatureButNeverAWeakOne) {
  const EndPointRow rows[] = {
      {KeyKind::ec_p256, "SHA256", "SHA256"},  {KeyKind::ec_p256, "SHA384", "SHA384"},
      {KeyKind::rsa_2048, "SHA512", "SHA512"}, {KeyKind::rsa_2048, "SHA1", "SHA256"},
      {KeyKind::ed25519, "", nullptr},
  };
  for (const EndPointRow& row : rows) {
    TestPki pki(row.issuer);
    Wanted wanted{{"one.example"}};
    wanted.hash = row.signature;
    const auto contexts = TlsContexts::load(std::vector{pki.issue("one", wanted)}, {});
    if (row.signature == "SHA1") {
      // OpenSSL itself refuses to serve a chain signed with SHA-1; see ContextLoad.
      EXPECT_FALSE(contexts.has_value());
      continue;
    }
    ASSERT_TRUE(contexts.has_value()) << contexts.error().message;
    Link link(*contexts, {});
    ASSERT_EQ(link.pump(), Status::ok);
    if (row.expected == nullptr) {
      EXPECT_FALSE(link.channel->server_end_point().has_value());
    } else {
      EXPECT_EQ(link.channel->server_end_point(), link.client.end_point(row.expected));
    }
  }
}

}  // namespace
}  // namespace rondel::tls
