// Which engine a connection gets, what it keeps, and that nothing is lost on the way.
#include <gtest/gtest.h>
#include <malloc.h>
#include <openssl/ssl.h>
#include <random>

#include "tests/tls/test_pki.h"
#include "tests/tls/tls_client.h"
#include "tls/context.h"
#include "tls/kernel_support.h"

namespace rondel::tls {
namespace {

constexpr const char* kCiphers[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                    "TLS_CHACHA20_POLY1305_SHA256"};

class HandOver : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    pki = new TestPki();
    for (int tickets = 0; tickets <= 2; ++tickets) {
      TlsPolicy policy;
      policy.tickets = tickets;
      policy.ciphers_tls13 =
          "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
          "TLS_AES_128_CCM_SHA256";
      contexts[tickets] =
          TlsContexts::load(
              std::vector{pki->issue("t" + std::to_string(tickets), {{"one.example"}})}, policy)
              .value();
    }
  }
  static void TearDownTestSuite() {
    for (auto& one : contexts) {
      one.reset();
    }
    delete pki;
  }
  static ClientOptions options_of(const char* cipher) {
    ClientOptions options;
    options.version = 13;
    options.sni = "one.example";
    options.ciphers13 = cipher;
    return options;
  }

  static inline TestPki* pki = nullptr;
  static inline std::shared_ptr<const TlsContexts> contexts[3];
};

TEST_F(HandOver, TheEngineIsTheOneThatWasAskedForOrTheNext) {
  const struct {
    int version;
    const char* cipher;
    Records records;
    Engine engine;
  } rows[] = {{13, kCiphers[0], Records::automatic, Engine::compact},
              {13, kCiphers[1], Records::compact, Engine::compact},
              {13, kCiphers[2], Records::kernel, Engine::compact},
              {13, kCiphers[0], Records::retained, Engine::retained},
              {13, "TLS_AES_128_CCM_SHA256", Records::automatic, Engine::retained},
              {12, "", Records::automatic, Engine::retained},
              {12, "", Records::kernel, Engine::retained}};
  for (const auto& row : rows) {
    ClientOptions options = options_of(row.cipher);
    options.version = row.version;
    Link link(contexts[1], options, {.records = row.records});
    EXPECT_FALSE(link.channel->is_settled());
    EXPECT_FALSE(link.channel->may_enter_kernel());
    EXPECT_EQ(link.channel->info().version, "") << "nothing is agreed yet";
    ASSERT_EQ(link.pump(), Status::ok) << row.cipher;
    EXPECT_EQ(link.channel->info().engine, row.engine) << row.cipher;
    // Before the owner has tried, a kernel that can is what a connection waits for.
    const bool is_for_kernel = row.engine == Engine::compact && row.records != Records::compact &&
                               kernel_support().is_usable();
    EXPECT_EQ(link.channel->may_enter_kernel(), is_for_kernel);
    EXPECT_EQ(link.channel->is_settled(), !is_for_kernel);
    EXPECT_FALSE(link.channel->is_transparent());
    EXPECT_FALSE(link.channel->send_close_notify(-1));
    link.client.send("up");
    link.server_send("down");
    EXPECT_EQ(link.pump(), Status::ok);
    EXPECT_EQ(link.plain.text(), "up");
    EXPECT_EQ(link.client.plain(), "down");
  }
}

TEST_F(HandOver, ARefusedSocketLeavesTheChannelAsItWas) {
  Link link(contexts[1], options_of(kCiphers[0]));
  ASSERT_EQ(link.pump(), Status::ok);
  EXPECT_EQ(link.channel->try_enter_kernel(-1), EnterResult::refused);
  EXPECT_TRUE(link.channel->is_settled());
  link.client.send("up");
  link.server_send("down");
  EXPECT_EQ(link.pump(), Status::ok);
  EXPECT_EQ(link.plain.text(), "up");
  EXPECT_EQ(link.client.plain(), "down");
}

TEST_F(HandOver, DataBehindFinishedArrivesWholeOrHalfWithAnyNumberOfTickets) {
  for (const char* cipher : kCiphers) {
    for (std::size_t tickets = 0; tickets <= 2; ++tickets) {
      for (const std::size_t kept : {0UL, 1UL, 10UL, 30UL, 60UL}) {
        Link link(contexts[tickets], options_of(cipher));
        link.give(link.client.take_wire());
        link.client.receive(link.wire_out.text());
        link.wire_out.clear();
        link.client.send("first");
        link.client.send("second, and longer than the first");
        const std::string wire = link.client.take_wire();
        ASSERT_EQ(link.give(wire.substr(0, wire.size() - kept)), Status::ok);
        EXPECT_TRUE(link.channel->is_established());
        ASSERT_EQ(link.give(wire.substr(wire.size() - kept)), Status::ok);
        EXPECT_EQ(link.plain.text(), "firstsecond, and longer than the first");
        link.server_send("back");
        EXPECT_EQ(link.pump(), Status::ok);
        EXPECT_EQ(link.client.plain(), "back");
        EXPECT_EQ(link.client.tickets(), tickets);
      }
    }
  }
}

TEST_F(HandOver, ACloseNotifyOrAKeyUpdateBehindFinishedIsHeeded) {
  Link link(contexts[2], options_of(kCiphers[1]));
  link.give(link.client.take_wire());
  link.client.receive(link.wire_out.text());
  link.wire_out.clear();
  SSL_key_update(link.client.ssl(), SSL_KEY_UPDATE_REQUESTED);
  link.client.send("with a new key");
  link.client.close();
  EXPECT_EQ(link.give(link.client.take_wire()), Status::closed);
  EXPECT_EQ(link.plain.text(), "with a new key");
  EXPECT_FALSE(link.channel->may_enter_kernel());
  link.channel->close(link.wire_out);
  link.client.receive(link.wire_out.text());
  EXPECT_TRUE(link.client.is_closed_by_peer());
  EXPECT_EQ(link.client.error(), "");
}

TEST_F(HandOver, OpensslAndWeAgreeOverRandomTextsCutsPaddingsAndKeyUpdates) {
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    Link link(contexts[random() % 3], options_of(kCiphers[round % 3]), {}, random() % 5000);
    SSL* ssl = link.client.ssl();
    SSL_set_max_send_fragment(ssl, 512 + random() % (16384 - 511));
    SSL_set_block_padding(ssl, random() % 2 * (random() % 1000));
    ASSERT_EQ(link.pump(), Status::ok);
    std::string up;
    std::string down;
    for (int turn = 0; turn < 12; ++turn) {
      std::string text(random() % 50'000 + 1, '\0');
      for (char& c : text) {
        c = static_cast<char>(random());
      }
      if (random() % 4 == 0) {
        SSL_key_update(ssl, random() % 2 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
      }
      if (random() % 2 == 0) {
        link.client.send(text);
        up += text;
      } else {
        link.server_send(text);
        down += text;
      }
      ASSERT_EQ(link.pump(), Status::ok) << link.channel->failure().text;
      ASSERT_EQ(link.client.error(), "");
    }
    EXPECT_TRUE(link.plain.text() == up);
    EXPECT_TRUE(link.client.plain() == down);
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(HandOver, TenThousandIdleConnectionsKeepAtMost512BytesEach) {
  constexpr std::size_t kConnections = 10'000;
  std::vector<std::unique_ptr<Channel>> channels;
  channels.reserve(kConnections);
  base::ByteBuffer plain;
  base::ByteBuffer wire_out;
  const auto connect = [&](const char* cipher) {
    TlsClient client(options_of(cipher));
    auto channel = accept_channel(contexts[1], {.records = Records::compact}).value();
    for (int flight = 0; flight < 2; ++flight) {
      ASSERT_EQ(channel->receive(base::as_bytes(client.take_wire()), plain, wire_out), Status::ok);
      client.receive(wire_out.text());
      wire_out.clear();
    }
    ASSERT_TRUE(channel->is_established());
    channel->forget_bindings();  // As the server does once the client is authenticated.
    channels.push_back(std::move(channel));
  };
  connect(kCiphers[0]);  // What OpenSSL and this thread make once.
  const std::size_t before = ::mallinfo2().uordblks;
  for (std::size_t i = 1; i < kConnections; ++i) {
    connect(kCiphers[i % 3]);
  }
  const std::size_t each = (::mallinfo2().uordblks - before) / (kConnections - 1);
  RecordProperty("bytes", static_cast<int>(each));
  std::printf("%zu bytes for each idle connection\n", each);
  EXPECT_LE(each, 512U);
}
#endif

}  // namespace
}  // namespace rondel::tls
