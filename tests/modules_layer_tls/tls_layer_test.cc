#include "modules/layer-tls/tls_layer.h"

#include <gmock/gmock.h>

#include "tests/tls/test_pki.h"
#include "tests/tls/tls_client.h"
#include "tls/client_trust.h"
#include "tls/context.h"

namespace rondel::modules::layer_tls {
namespace {

using Status = api::Layer::Status;

/// A client, and a layer that it talks to.
struct Pair {
  explicit Pair(int version, bool is_direct = false) : client(options(version)) {
    const tls::HostCertificate certificates[] = {pki.issue("a", {.names = {"example.org"}})};
    auto contexts = tls::TlsContexts::load(certificates, {});
    EXPECT_TRUE(contexts.has_value());
    tls::AcceptOptions accept;
    accept.is_direct = is_direct;
    layer = std::make_unique<TlsLayer>(*tls::accept_channel(*contexts, accept));
  }
  static tls::ClientOptions options(int version) {
    tls::ClientOptions wanted;
    wanted.version = version;
    wanted.sni = "example.org";
    wanted.alpn = {"xmpp-client"};
    return wanted;
  }

  /// Carries bytes both ways until nobody has any.
  Status pump() {
    Status status = Status::ok;
    for (std::string wire = client.take_wire(); !wire.empty() || !out.empty();
         wire = client.take_wire()) {
      if (!wire.empty()) {
        status = layer->receive(base::as_bytes(wire), plain, out);
      }
      client.receive(base::as_text(out.bytes()));
      out.clear();
    }
    return status;
  }

  tls::TestPki pki;
  tls::TlsClient client;
  std::unique_ptr<TlsLayer> layer;
  base::ByteBuffer plain;
  base::ByteBuffer out;
};

class Versions : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Tls, Versions, testing::Values(12, 13));

TEST_P(Versions, ALayerComesUpWithTheHandshakeAndSaysWhatWasAgreed) {
  Pair pair(GetParam(), true);
  EXPECT_FALSE(pair.layer->is_up());
  EXPECT_FALSE(pair.layer->info().is_encrypted);
  EXPECT_EQ(pair.layer->channel_binding("tls-exporter"), std::nullopt);
  EXPECT_FALSE(pair.layer->has_channel_binding("tls-exporter"));
  EXPECT_EQ(pair.pump(), Status::ok);
  ASSERT_TRUE(pair.layer->is_up());
  const api::LayerInfo& info = pair.layer->info();
  EXPECT_EQ(info.name, "layer-tls");
  EXPECT_EQ(info.version, GetParam() == 12 ? "TLSv1.2" : "TLSv1.3");
  EXPECT_EQ(info.server_name, "example.org");
  EXPECT_EQ(info.protocol, "xmpp-client");
  EXPECT_EQ(info.engine, GetParam() == 12 ? "retained" : "compact");
  EXPECT_TRUE(info.is_encrypted);
  EXPECT_FALSE(info.is_resumed);
  EXPECT_FALSE(info.cipher.empty());
}

TEST_P(Versions, BytesGoBothWays) {
  Pair pair(GetParam());
  pair.pump();
  pair.client.send("<presence/>");
  EXPECT_EQ(pair.pump(), Status::ok);
  EXPECT_EQ(base::as_text(pair.plain.bytes()), "<presence/>");
  EXPECT_EQ(pair.layer->send(base::as_bytes("<message/>"), pair.out), Status::ok);
  pair.pump();
  EXPECT_EQ(pair.client.plain(), "<message/>");
}

TEST_P(Versions, ChannelBindingsAreThoseThatTheClientComputes) {
  Pair pair(GetParam());
  pair.pump();
  for (const char* type : {"tls-exporter", "tls-server-end-point"}) {
    EXPECT_TRUE(pair.layer->has_channel_binding(type)) << type;
  }
  EXPECT_FALSE(pair.layer->has_channel_binding("tls-unique"));
  EXPECT_EQ(pair.layer->channel_binding("tls-exporter"), pair.client.exporter());
  EXPECT_EQ(pair.layer->channel_binding("tls-server-end-point"), pair.client.end_point("SHA256"));
  EXPECT_EQ(pair.layer->channel_binding("tls-unique"), std::nullopt);
  EXPECT_EQ(pair.layer->channel_binding(""), std::nullopt);
}

TEST_P(Versions, DataAndTheEndInOneReadComeThroughALayerThatIsUp) {
  Pair pair(GetParam());
  pair.pump();
  pair.client.send("</stream:stream>");
  pair.client.close();
  EXPECT_EQ(pair.pump(), Status::closed);
  EXPECT_EQ(base::as_text(pair.plain.bytes()), "</stream:stream>");
  EXPECT_TRUE(pair.layer->is_up());
  EXPECT_EQ(pair.layer->send(base::as_bytes("</stream:stream>"), pair.out), Status::ok);
}

TEST_P(Versions, TheFarewellIsCloseNotify) {
  Pair pair(GetParam());
  pair.pump();
  pair.layer->close(pair.out);
  pair.pump();
  EXPECT_TRUE(pair.client.is_closed_by_peer());
}

TEST(TlsLayer, SaysWhyAHandshakeFailed) {
  Pair pair(13);
  EXPECT_EQ(
      pair.layer->receive(base::as_bytes("<stream:stream to='example.org'>"), pair.plain, pair.out),
      Status::failed);
  EXPECT_FALSE(pair.layer->is_up());
  EXPECT_NE(pair.layer->failure(), "");
  EXPECT_TRUE(pair.plain.empty());
}

TEST_P(Versions, ALayerTellsWhatTheClientHasShownUntilNobodyAuthenticatesAnyMore) {
  tls::TestPki pki;
  tls::TestPki foreign;
  const tls::HostCertificate host = pki.issue("a", {.names = {"example.org"}});
  const auto contexts = tls::TlsContexts::load(std::vector{host}, {}).value();
  tls::AcceptOptions accept;
  accept.client_trust =
      tls::ClientTrust::load(pki.root_file(), {}, tls::ExpiredCertificate::warn).value();
  const auto shown_with = [&](const tls::HostCertificate& certificate) {
    tls::ClientOptions options = Pair::options(GetParam());
    options.certificate_path = certificate.certificate_path;
    options.key_path = certificate.key_path;
    tls::TlsClient client(options);
    TlsLayer layer(*tls::accept_channel(contexts, accept));
    base::ByteBuffer plain;
    base::ByteBuffer out;
    EXPECT_FALSE(layer.client_certificate());
    for (std::string wire = client.take_wire(); !wire.empty() || !out.empty();
         wire = client.take_wire()) {
      if (!wire.empty()) {
        EXPECT_EQ(layer.receive(base::as_bytes(wire), plain, out), Status::ok);
      }
      client.receive(base::as_text(out.bytes()));
      out.clear();
    }
    EXPECT_TRUE(layer.is_up());
    auto shown = layer.client_certificate();
    layer.forget_channel_bindings();
    EXPECT_FALSE(layer.client_certificate());
    EXPECT_TRUE(layer.is_up());
    return shown.value();
  };
  const std::string address = "otherName:1.3.6.1.5.5.7.8.5;UTF8:romeo@example.org";
  const tls::Wanted wanted{.names = {"Romeo"}, .alternative_names = address + ",email:r@m.example"};
  const api::ClientCertificate good = shown_with(pki.issue("good", wanted));
  EXPECT_EQ(good.trust, api::CertificateTrust::verified);
  EXPECT_EQ(good.reason, "");
  EXPECT_THAT(good.xmpp_addresses, testing::ElementsAre("romeo@example.org"));
  EXPECT_THAT(good.emails, testing::ElementsAre("r@m.example"));
  EXPECT_EQ(good.common_name, "Romeo");
  EXPECT_EQ(good.fingerprint.size(), 64u);
  EXPECT_EQ(shown_with(foreign.issue("foreign", wanted)).trust,
            api::CertificateTrust::unknown_issuer);
  tls::Wanted past = wanted;
  past.valid_from_days = -9;
  past.valid_until_days = -1;
  const api::ClientCertificate bad = shown_with(pki.issue("past", past));
  EXPECT_EQ(bad.trust, api::CertificateTrust::unusable);
  EXPECT_NE(bad.reason, "");
}

}  // namespace
}  // namespace rondel::modules::layer_tls
