// After the handshake: data, ends, and everything that a hostile peer can send instead.
#include <gmock/gmock.h>
#include <openssl/ssl.h>
#include <random>
#include <thread>

#include "tests/tls/test_pki.h"
#include "tests/tls/tls_client.h"
#include "tls/context.h"

namespace rondel::tls {
namespace {

using testing::HasSubstr;

/// A version, and who works on its records.
struct Mode {
  int version;
  Records records = Records::automatic;
};
std::string mode_name(const testing::TestParamInfo<Mode>& mode) {
  return std::to_string(mode.param.version) +
         (mode.param.records == Records::retained ? "_retained" : "");
}
constexpr Mode kMode12{12};
constexpr Mode kMode13{13};
constexpr Mode kMode13Retained{13, Records::retained};

class EveryRecord : public testing::TestWithParam<Mode> {
 protected:
  static void SetUpTestSuite() {
    pki = new TestPki();
    contexts = TlsContexts::load(std::vector{pki->issue("one", {{"one.example"}})}, {}).value();
  }
  static void TearDownTestSuite() {
    contexts.reset();
    delete pki;
  }

  [[nodiscard]] std::unique_ptr<Link> established(std::size_t cut = 0) const {
    ClientOptions options;
    options.version = GetParam().version;
    auto link = std::make_unique<Link>(contexts, options,
                                       AcceptOptions{.records = GetParam().records}, cut);
    EXPECT_EQ(link->pump(), Status::ok);
    EXPECT_TRUE(link->channel->is_established());
    return link;
  }

  static inline TestPki* pki = nullptr;
  static inline std::shared_ptr<const TlsContexts> contexts;
};
INSTANTIATE_TEST_SUITE_P(Tls,
                         EveryRecord,
                         testing::Values(kMode12, kMode13, kMode13Retained),
                         mode_name);

class Tls12 : public EveryRecord {};
INSTANTIATE_TEST_SUITE_P(Tls, Tls12, testing::Values(kMode12));

std::string noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& c : text) {
    c = static_cast<char>(random());
  }
  return text;
}

TEST_P(EveryRecord, AMebibyteGoesBothWaysAtEveryCut) {
  for (const std::size_t cut : {0UL, 1UL, 5UL, 1000UL, 16384UL, 65536UL}) {
    auto link = established(cut);
    const std::size_t size = cut == 1 ? 64 * 1024 : 1024 * 1024;
    const std::string up = noise(size, 1);
    const std::string down = noise(size, 2);
    link->client.send(up);
    link->server_send(down);
    ASSERT_EQ(link->pump(), Status::ok) << cut;
    EXPECT_TRUE(link->plain.text() == up) << cut;
    EXPECT_TRUE(link->client.plain() == down) << cut;
  }
}

TEST_P(EveryRecord, WhatIsPassedTogetherGoesInOneRecord) {
  auto link = established();
  link->server_send(std::string(16384, 'x'));
  const std::string_view wire = link->wire_out.text();
  const std::size_t length =
      static_cast<unsigned char>(wire[3]) * 256U + static_cast<unsigned char>(wire[4]);
  EXPECT_EQ(wire.size(), length + 5);
  link->server_send("");
  EXPECT_EQ(link->wire_out.size(), length + 5) << "no bytes make no record";
}

TEST_P(EveryRecord, SeveralRecordsAndAPieceOfAnotherInOneCall) {
  auto link = established();
  std::string wire;
  for (const char* text : {"one", "two", "three"}) {
    link->client.send(text);
    wire += link->client.take_wire();
  }
  EXPECT_EQ(link->give(wire.substr(0, wire.size() - 1)), Status::ok);
  EXPECT_EQ(link->plain.text(), "onetwo");
  EXPECT_EQ(link->give(wire.substr(wire.size() - 1)), Status::ok);
  EXPECT_EQ(link->plain.text(), "onetwothree");
}

TEST_P(EveryRecord, DataBehindTheClientsFinishedIsDeliveredByTheSameCall) {
  ClientOptions options;
  options.version = GetParam().version;
  Link link(contexts, options);
  link.give(link.client.take_wire());
  link.client.receive(link.wire_out.text());
  link.wire_out.clear();
  if (GetParam().version == 12) {
    EXPECT_EQ(link.give(link.client.take_wire()), Status::ok);
    link.client.receive(link.wire_out.text());
    link.client.send("early");
    EXPECT_EQ(link.give(link.client.take_wire()), Status::ok);
  } else {
    link.client.send("early");
    EXPECT_EQ(link.give(link.client.take_wire()), Status::ok);
  }
  EXPECT_EQ(link.plain.text(), "early");
}

TEST_P(EveryRecord, AChannelWorksOnOnAnotherThread) {
  auto link = established();
  std::thread([&link] {
    link->client.send("over there");
    link->server_send("and back");
    EXPECT_EQ(link->pump(), Status::ok);
  }).join();
  EXPECT_EQ(link->plain.text(), "over there");
  EXPECT_EQ(link->client.plain(), "and back");
}

TEST_P(EveryRecord, TheClientsCloseNotifyIsAnOrderlyEnd) {
  auto link = established();
  link->client.send("bye");
  link->client.close();
  EXPECT_EQ(link->pump(), Status::closed);
  EXPECT_EQ(link->plain.text(), "bye");
  EXPECT_EQ(link->channel->state(), State::closed);
  EXPECT_EQ(link->give("anything"), Status::closed);
  EXPECT_EQ(link->channel->receive_end(), Status::closed);
  link->channel->close(link->wire_out);
  link->pump();
  EXPECT_TRUE(link->client.is_closed_by_peer());
}

TEST_P(EveryRecord, OurCloseNotifyIsSaidOnceAndTheClientMayFinish) {
  auto link = established();
  link->server_send("last words");
  link->channel->close(link->wire_out);
  const std::size_t size = link->wire_out.size();
  link->channel->close(link->wire_out);
  EXPECT_EQ(link->wire_out.size(), size);
  EXPECT_EQ(link->channel->send(base::as_bytes("more"), link->wire_out), Status::failed);
  EXPECT_EQ(link->wire_out.size(), size);
  link->client.send("mine too");
  EXPECT_EQ(link->pump(), Status::ok);
  EXPECT_EQ(link->plain.text(), "mine too");
  EXPECT_EQ(link->client.plain(), "last words");
  EXPECT_TRUE(link->client.is_closed_by_peer());
  link->client.close();
  EXPECT_EQ(link->pump(), Status::closed);
}

TEST_P(EveryRecord, AnEndWithoutCloseNotifyIsTruncation) {
  auto link = established();
  link->client.send("half a stanza");
  EXPECT_EQ(link->pump(), Status::ok);
  EXPECT_EQ(link->channel->receive_end(), Status::truncated);
  EXPECT_THAT(link->channel->failure().text, HasSubstr("without close_notify"));
  EXPECT_EQ(link->channel->state(), State::failed);
  EXPECT_EQ(link->channel->receive_end(), Status::failed);
  EXPECT_EQ(link->give("x"), Status::failed);
}

TEST_P(EveryRecord, AnEndDuringTheHandshakeIsTruncationToo) {
  ClientOptions options;
  options.version = GetParam().version;
  Link link(contexts, options);
  const std::string hello = link.client.take_wire();
  EXPECT_EQ(link.give(hello.substr(0, hello.size() / 2)), Status::ok);
  EXPECT_EQ(link.channel->receive_end(), Status::truncated);
  EXPECT_THAT(link.channel->failure().text, HasSubstr("during the handshake"));
}

TEST_P(EveryRecord, AChangedBitIsFoundAndNothingOfItsRecordIsDelivered) {
  auto link = established();
  link->client.send("good");
  std::string wire = link->client.take_wire();
  link->client.send("evil");
  std::string bad = link->client.take_wire();
  bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
  EXPECT_EQ(link->give(wire + bad), Status::failed);
  EXPECT_EQ(link->plain.text(), "good");
  EXPECT_EQ(link->channel->failure().alert, SSL_AD_BAD_RECORD_MAC);
  EXPECT_FALSE(link->channel->failure().is_from_peer);
  EXPECT_THAT(link->channel->failure().text, HasSubstr("bad record mac"));
  EXPECT_FALSE(link->wire_out.empty()) << "the alert";
  link->client.receive(link->wire_out.text());
  EXPECT_EQ(link->client.alert(), SSL_AD_BAD_RECORD_MAC);
  EXPECT_EQ(link->channel->send(base::as_bytes("x"), link->wire_out), Status::failed);
}

TEST_P(EveryRecord, ARepeatedOrLostRecordIsFound) {
  for (const bool is_repeated : {true, false}) {
    auto link = established();
    link->client.send("first");
    const std::string first = link->client.take_wire();
    link->client.send("second");
    const std::string second = link->client.take_wire();
    EXPECT_EQ(link->give(is_repeated ? first + first : second), Status::failed);
    EXPECT_EQ(link->plain.text(), is_repeated ? "first" : "");
  }
}

TEST_P(EveryRecord, GarbageInPlaceOfAHandshakeFailsWithAReason) {
  for (const std::string& wire : {std::string("<?xml version='1.0'?><stream:stream to='a'>"),
                                  std::string("GET / HTTP/1.1\r\n\r\n"), std::string(64, '\0'),
                                  std::string("\x16\x03\x01\xff\xff") + std::string(70000, 'x'),
                                  std::string("\x80\x2e\x01\x00\x02") + std::string(60, 'x')}) {
    Link link(contexts, {});
    EXPECT_EQ(link.give(wire), Status::failed);
    EXPECT_FALSE(link.channel->failure().text.empty());
    EXPECT_EQ(link.give(wire), Status::failed);
    EXPECT_TRUE(link.plain.empty());
  }
}

TEST_P(EveryRecord, ThePeersAlertIsReportedAsThePeers) {
  ClientOptions options;
  options.version = GetParam().version;
  options.sni = "one.example";
  TestPki other;
  options.trusted_root = other.root();
  Link refused(contexts, options);
  EXPECT_EQ(refused.pump(), Status::failed);
  EXPECT_TRUE(refused.channel->failure().is_from_peer);
  EXPECT_EQ(refused.channel->failure().alert, SSL_AD_UNKNOWN_CA);
  EXPECT_THAT(refused.channel->failure().text, HasSubstr("unknown CA"));
}

TEST_P(EveryRecord, AnEndlessHandshakeIsCutOff) {
  Link link(contexts, {});
  // A ClientHello that claims 100,000 bytes, in records of full size.
  std::string record = std::string("\x16\x03\x01\x40\x00", 5);
  std::string hello = std::string("\x01\x01\x86\xa0", 4) + std::string(16380, '\0');
  std::size_t given = 0;
  while (link.status == Status::ok && given < 10 * kHandshakeBytesMax) {
    link.give(record + hello);
    given += record.size() + hello.size();
    hello = std::string(16384, '\0');
  }
  EXPECT_EQ(link.status, Status::failed);
  EXPECT_LE(given, kHandshakeBytesMax + 2 * 16389);
}

TEST_P(Tls12, OlderVersionsAreRefused) {
  // A hello without supported_versions, its version (bytes 9 and 10) set back to TLS 1.1.
  ClientOptions options;
  options.version = 12;
  Link old(contexts, options);
  std::string hello = old.client.take_wire();
  ASSERT_EQ(hello.substr(9, 2), "\x03\x03");
  hello[10] = 2;
  EXPECT_EQ(old.give(hello), Status::failed);
  EXPECT_EQ(old.channel->failure().alert, SSL_AD_PROTOCOL_VERSION);
}

TEST_P(EveryRecord, RandomChangesNeverCrashTheHandshake) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    ClientOptions options;
    options.version = GetParam().version;
    options.sni = "one.example";
    options.alpn = {"xmpp-client"};
    Link link(contexts, options, {true});
    for (int flight = 0; flight < 3 && link.status == Status::ok; ++flight) {
      std::string wire = link.client.take_wire();
      for (unsigned change = random() % 4; change > 0 && !wire.empty(); --change) {
        wire[random() % wire.size()] = static_cast<char>(random());
      }
      if (random() % 8 == 0) {
        wire.resize(random() % (wire.size() + 1));
      }
      link.give(wire);
      link.client.receive(link.wire_out.text());
      link.wire_out.clear();
    }
    if (link.status == Status::failed) {
      EXPECT_FALSE(link.channel->failure().text.empty());
    }
    EXPECT_TRUE(link.plain.empty());
  }
}

TEST_P(EveryRecord, RandomChangesAfterTheHandshakeDeliverNothingFalse) {
  std::mt19937 random(8);
  for (int round = 0; round < 200; ++round) {
    auto link = established();
    const std::string text = noise(random() % 3000 + 1, static_cast<unsigned>(round));
    link->client.send(text);
    std::string wire = link->client.take_wire();
    const std::size_t at = random() % wire.size();
    wire[at] = static_cast<char>(wire[at] ^ (1 + random() % 255));
    link->give(wire);
    EXPECT_EQ(link->channel->receive_end(),
              link->status == Status::failed ? Status::failed : Status::truncated);
    EXPECT_TRUE(link->plain.empty());
  }
}

TEST_P(EveryRecord, SendingBeforeTheHandshakeIsDoneIsRefused) {
  Link link(contexts, {});
  EXPECT_EQ(link.channel->send(base::as_bytes("x"), link.wire_out), Status::failed);
  EXPECT_TRUE(link.wire_out.empty());
  link.channel->close(link.wire_out);
  EXPECT_TRUE(link.wire_out.empty());
  EXPECT_EQ(link.pump(), Status::ok) << "and does no harm";
}

TEST_P(EveryRecord, NoPlainBufferIsTouchedByAHandshake) {
  auto link = established();
  EXPECT_EQ(link->plain.capacity(), 0U);
}

// RFC 6120 §5.3.5: who does not renegotiate ends the connection at the attempt.
TEST_P(Tls12, RenegotiationIsRefusedAndEndsTheChannel) {
  auto link = established();
  ASSERT_EQ(SSL_renegotiate(link->client.ssl()), 1);
  SSL_do_handshake(link->client.ssl());
  EXPECT_EQ(link->give(link->client.take_wire()), Status::failed);
  EXPECT_THAT(link->channel->failure().text, HasSubstr("renegotiate"));
  // A warning alert and nothing of a handshake: record type 21.
  EXPECT_EQ(link->wire_out.text().substr(0, 1), "\x15");
  link->client.receive(link->wire_out.text());
  EXPECT_FALSE(link->client.error().empty());
}

TEST_P(Tls12, AFloodOfEmptyRecordsOrWarningsIsCutOff) {
  auto link = established();
  std::size_t given = 0;
  // OpenSSL as a client sends no warnings of its own; unsealed ones must fail at once.
  while (link->status == Status::ok && given < 1000) {
    link->give(std::string("\x15\x03\x03\x00\x02\x01\x5a", 7));
    ++given;
  }
  EXPECT_EQ(given, 1U);
  EXPECT_EQ(link->status, Status::failed);
}

class Tls13 : public EveryRecord {};
INSTANTIATE_TEST_SUITE_P(Tls, Tls13, testing::Values(kMode13, kMode13Retained), mode_name);

TEST_P(Tls13, AKeyUpdateIsFollowedAndAnswered) {
  auto link = established();
  for (const int kind : {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED}) {
    ASSERT_EQ(SSL_key_update(link->client.ssl(), kind), 1);
    link->client.send("new key");
    EXPECT_EQ(link->pump(), Status::ok);
    link->server_send("new key too");
    EXPECT_EQ(link->pump(), Status::ok);
  }
  EXPECT_EQ(link->plain.text(), "new keynew key");
  EXPECT_EQ(link->client.plain(), "new key toonew key too");
}

std::string key_update(TlsClient& client) {
  EXPECT_EQ(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
  EXPECT_EQ(SSL_do_handshake(client.ssl()), 1);
  return client.take_wire();
}

TEST_P(Tls13, AFloodOfKeyUpdatesIsCutOff) {
  for (const bool is_coalesced : {false, true}) {
    auto link = established();
    std::string wire;
    for (std::uint32_t i = 0; i < kControlRecordsMax; ++i) {
      const std::string one = key_update(link->client);
      is_coalesced ? static_cast<void>(wire += one) : static_cast<void>(link->give(one));
    }
    EXPECT_EQ(link->give(wire), Status::ok);
    EXPECT_EQ(link->give(""), Status::ok);
    wire.clear();
    for (int i = 0; i < 1000; ++i) {
      wire += key_update(link->client);
    }
    EXPECT_EQ(link->give(wire), Status::failed);
    EXPECT_THAT(link->channel->failure().text, HasSubstr("too many records without data: " +
                                                         std::to_string(kControlRecordsMax + 1)));
    EXPECT_LT(link->wire_out.size(), 40U * kControlRecordsMax) << "an answer for each, no more";
  }
}

TEST_P(Tls13, DataEarnsKeyUpdates) {
  auto link = established();
  for (std::uint32_t i = 0; i < 2 * kControlRecordsMax; ++i) {
    ASSERT_EQ(link->give(key_update(link->client)), Status::ok) << i;
    link->client.send(std::string(kBytesPerControlRecord, 'x'));
    ASSERT_EQ(link->give(link->client.take_wire()), Status::ok) << i;
    link->plain.clear();
  }
}

}  // namespace
}  // namespace rondel::tls
