// The compact engine by itself: against published vectors, against itself, and against a peer that
// knows the keys and seals what no honest one would.
#include "tls/compact_records.h"

#include <gmock/gmock.h>
#include <random>

#include "base/encoding.h"
#include "tls/messages.h"

namespace rondel::tls {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

std::string from_hex(std::string_view digits) {
  return base::hex_decode(digits).value();
}
template <std::size_t N>
std::string hex(const std::array<std::byte, N>& bytes, std::size_t size) {
  return base::hex_encode(base::as_text(std::span(bytes).first(size)));
}

// Source: RFC 8448 §3.
constexpr const char* kClientSecret =
    "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
constexpr const char* kServerSecret =
    "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643";

TEST(TrafficKeys, AreThoseOfThePublishedHandshake) {
  TrafficKeys client;
  client.start(Aead::aes_128_gcm, base::as_bytes(from_hex(kClientSecret)), 0);
  EXPECT_EQ(hex(client.key, 16), "17422dda596ed5d9acd890e3c63f5051");
  EXPECT_EQ(hex(client.iv, 12), "5b78923dee08579033e523d9");
  TrafficKeys server;
  server.start(Aead::aes_128_gcm, base::as_bytes(from_hex(kServerSecret)), 0);
  EXPECT_EQ(hex(server.key, 16), "9f02283b6c9c07efc26bb9f2ac92e356");
  EXPECT_EQ(hex(server.iv, 12), "cf782b88dd83549aadf1e984");
}

TEST(TrafficKeys, SealThePublishedRecord) {
  TrafficKeys keys;
  keys.start(Aead::aes_128_gcm, base::as_bytes(from_hex(kClientSecret)), 0);
  std::string plain(50, '\0');
  for (std::size_t i = 0; i < plain.size(); ++i) {
    plain[i] = static_cast<char>(i);
  }
  std::string wire(plain.size() + kRecordOverhead, '\0');
  RecordRun run(RecordRun::Direction::sealing, Aead::aes_128_gcm, keys);
  run.seal(ContentType::application_data, base::as_bytes(plain),
           reinterpret_cast<std::byte*>(wire.data()));
  EXPECT_EQ(
      base::hex_encode(wire),
      "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a"
      "20441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4");
}

TEST(TrafficKeys, AreGoneAfterAWipe) {
  TrafficKeys keys;
  keys.start(Aead::aes_256_gcm, base::as_bytes(std::string(48, 's')), 7);
  keys.wipe_all_but_secret();
  EXPECT_EQ(hex(keys.key, 32), std::string(64, '0'));
  EXPECT_EQ(hex(keys.iv, 12), std::string(24, '0'));
  EXPECT_NE(hex(keys.secret, 48), std::string(96, '0'));
  keys.wipe();
  EXPECT_EQ(hex(keys.secret, 48), std::string(96, '0'));
}

/// Our end, and a peer that can seal anything.
class Pair {
 public:
  explicit Pair(Aead aead, std::uint64_t first_record = 0) : aead_(aead) {
    const std::string up(secret_bytes(aead), 'u');
    const std::string down(secret_bytes(aead), 'd');
    ours.start(aead, base::as_bytes(up), first_record, base::as_bytes(down), first_record);
    peer.start(aead, base::as_bytes(down), first_record, base::as_bytes(up), first_record);
  }
  /// A record of the peer's with any content type and `padding` zeros behind it.
  std::string sealed(int type, std::string_view content, std::size_t padding = 0) {
    // The type is the last byte that is not zero: sealed as content, with another zero behind it.
    std::string inner = std::string(content) + static_cast<char>(type) + std::string(padding, '\0');
    const char last = inner.back();
    inner.pop_back();
    std::string wire(inner.size() + kRecordOverhead, '\0');
    RecordRun run(RecordRun::Direction::sealing, aead_, peer.send_keys());
    run.seal(static_cast<ContentType>(last), base::as_bytes(inner),
             reinterpret_cast<std::byte*>(wire.data()));
    return wire;
  }
  Status give(std::string_view wire) {
    return ours.receive(base::as_bytes(wire), plain, wire_out, failure);
  }
  /// What we have said, to the peer.
  Status answer() {
    Failure ignored;
    base::ByteBuffer nothing;
    const Status status = peer.receive(wire_out.bytes(), peer_plain, nothing, peer_failure);
    wire_out.clear();
    return status;
  }

  CompactRecords ours;
  CompactRecords peer;
  base::ByteBuffer plain;
  base::ByteBuffer wire_out;
  Failure failure;
  base::ByteBuffer peer_plain;
  Failure peer_failure;

 private:
  Aead aead_;
};

class Compact : public testing::TestWithParam<Aead> {};
INSTANTIATE_TEST_SUITE_P(
    Tls, Compact, testing::Values(Aead::aes_128_gcm, Aead::aes_256_gcm, Aead::chacha20_poly1305));

TEST_P(Compact, RandomTextsAndCutsArriveAsTheyWere) {
  std::mt19937 random(3);
  Pair pair(GetParam());
  std::string expected;
  for (int round = 0; round < 60; ++round) {
    base::ByteBuffer wire;
    for (unsigned i = random() % 4; i > 0; --i) {
      std::string text(random() % 40'000 + 1, '\0');
      for (char& c : text) {
        c = static_cast<char>(random());
      }
      pair.peer.send(base::as_bytes(text), wire);
      expected += text;
    }
    std::string_view rest = wire.text();
    while (!rest.empty()) {
      const std::size_t size = std::min<std::size_t>(rest.size(), random() % 20'000 + 1);
      ASSERT_EQ(pair.give(rest.substr(0, size)), Status::ok);
      rest.remove_prefix(size);
    }
    ASSERT_TRUE(pair.ours.is_at_boundary());
  }
  EXPECT_TRUE(pair.plain.text() == expected);
}

TEST_P(Compact, PaddingIsTakenOff) {
  Pair pair(GetParam());
  for (const std::size_t padding : {0UL, 1UL, 15UL, 255UL, 16383UL}) {
    EXPECT_EQ(pair.give(pair.sealed(23, "x", padding)), Status::ok) << padding;
  }
  EXPECT_EQ(pair.give(pair.sealed(23, "zeros\0\0"s, 3)), Status::ok);
  EXPECT_EQ(pair.plain.text(), "xxxxxzeros\0\0"s);
}

TEST_P(Compact, AWornKeyIsChangedBeforeItsLimit) {
  Pair pair(GetParam(), kRecordsPerKeyMax - 3);
  for (int i = 0; i < 8; ++i) {
    pair.ours.send(base::as_bytes("x"), pair.wire_out);
  }
  EXPECT_EQ(pair.wire_out.size(), 8 * (1 + kRecordOverhead) + kKeyUpdateBytes + kRecordOverhead)
      << "eight records and one KeyUpdate";
  EXPECT_EQ(pair.answer(), Status::ok);
  EXPECT_EQ(pair.peer_plain.text(), "xxxxxxxx");
  EXPECT_LT(pair.ours.send_keys().sequence, 10U);
}

TEST_P(Compact, AKeyUpdateInPiecesIsFollowedAndAnsweredOnce) {
  Pair pair(GetParam());
  std::string wire;
  for (int round = 0; round < 3; ++round) {
    for (const char byte : "\x18\x00\x00\x01\x01"s) {
      wire += pair.sealed(22, std::string(1, byte));
    }
    pair.peer.send_keys().update(GetParam());
    wire += pair.sealed(23, "new");
  }
  EXPECT_EQ(pair.give(wire), Status::ok);
  EXPECT_EQ(pair.plain.text(), "newnewnew");
  EXPECT_EQ(pair.wire_out.size(), kKeyUpdateBytes + kRecordOverhead);
  pair.ours.send(base::as_bytes("mine"), pair.wire_out);
  EXPECT_EQ(pair.answer(), Status::ok);
  EXPECT_EQ(pair.peer_plain.text(), "mine");
}

TEST_P(Compact, AfterOurCloseNotifyNothingIsAnswered) {
  Pair pair(GetParam());
  pair.ours.close(pair.wire_out);
  const std::size_t size = pair.wire_out.size();
  pair.ours.close(pair.wire_out);
  EXPECT_EQ(pair.give(pair.sealed(22, "\x18\x00\x00\x01\x01"s)), Status::ok);
  pair.peer.send_keys().update(GetParam());
  EXPECT_EQ(pair.give(pair.sealed(23, "still yours")), Status::ok);
  EXPECT_EQ(pair.give("garbage!"), Status::failed);
  EXPECT_EQ(pair.wire_out.size(), size) << "no answer, and no alert";
  EXPECT_EQ(pair.plain.text(), "still yours");
}

struct Hostile {
  const char* name;
  int type;
  std::string content;
  int alert;
  std::size_t padding = 0;
};

TEST_P(Compact, AuthenticButUnlawfulRecordsEndInTheRightAlert) {
  const Hostile rows[] = {
      {"nothing but padding", 0, "", alert::kUnexpectedMessage, 100},
      {"one zero", 0, "", alert::kUnexpectedMessage},
      {"ChangeCipherSpec", 20, "\x01", alert::kUnexpectedMessage},
      {"heartbeat", 24, "x", alert::kUnexpectedMessage},
      {"an unknown type", 255, "x", alert::kUnexpectedMessage},
      {"no alert in an alert", 21, "", alert::kDecodeError},
      {"two alerts in one", 21, "\x01\x5a\x01\x5a", alert::kDecodeError},
      {"no message in a message", 22, "", alert::kUnexpectedMessage},
      {"ClientHello", 22, "\x01\x00\x00\x01\x00"s, alert::kUnexpectedMessage},
      {"NewSessionTicket", 22, "\x04"s, alert::kUnexpectedMessage},
      {"a long KeyUpdate", 22, "\x18\x00\x00\x02\x00\x00"s, alert::kDecodeError},
      {"a huge KeyUpdate", 22, "\x18\xff"s, alert::kDecodeError},
      {"an empty KeyUpdate", 22, "\x18\x00\x00\x00"s, alert::kDecodeError},
      {"a KeyUpdate that asks for 2", 22, "\x18\x00\x00\x01\x02"s, alert::kIllegalParameter},
      {"bytes behind a KeyUpdate", 22, "\x18\x00\x00\x01\x00\x18"s, alert::kUnexpectedMessage},
  };
  for (const Hostile& row : rows) {
    Pair pair(GetParam());
    std::string wire = pair.sealed(23, "before");
    wire += pair.sealed(row.type, row.content, row.padding);
    EXPECT_EQ(pair.give(wire), Status::failed) << row.name;
    EXPECT_EQ(pair.failure.alert, row.alert) << row.name;
    EXPECT_FALSE(pair.failure.is_from_peer) << row.name;
    EXPECT_FALSE(pair.failure.text.empty()) << row.name;
    EXPECT_EQ(pair.plain.text(), "before") << row.name;
    EXPECT_EQ(pair.answer(), Status::failed) << row.name;
    EXPECT_EQ(pair.peer_failure.alert, row.alert) << row.name;
    EXPECT_TRUE(pair.peer_failure.is_from_peer) << row.name;
  }
}

TEST_P(Compact, DataWithinAKeyUpdateIsRefused) {
  Pair pair(GetParam());
  std::string wire = pair.sealed(22, "\x18\x00"s);
  wire += pair.sealed(23, "x");
  EXPECT_EQ(pair.give(wire), Status::failed);
  EXPECT_EQ(pair.failure.alert, alert::kUnexpectedMessage);
  EXPECT_TRUE(pair.plain.empty());
}

TEST_P(Compact, HeadersAreJudgedBeforeTheirRecordIsWaitedFor) {
  const struct {
    std::string header;
    int alert;
  } rows[] = {{"\x17\x03\x03\x40\x12"s, alert::kRecordOverflow},  // 16384 + 1 + 16, and one more.
              {"\x17\x03\x03\xff\xff"s, alert::kRecordOverflow},
              {"\x17\x03\x03\x00\x10"s, alert::kDecodeError},
              {"\x17\x03\x03\x00\x00"s, alert::kDecodeError},
              {"\x15\x03\x03\x00\x02"s, alert::kUnexpectedMessage},
              {"\x14\x03\x03\x00\x01"s, alert::kUnexpectedMessage},
              {"\x16\x03\x03\x00\x20"s, alert::kUnexpectedMessage},
              {"GET /"s, alert::kUnexpectedMessage}};
  for (const auto& row : rows) {
    for (const bool is_in_pieces : {false, true}) {
      Pair pair(GetParam());
      if (is_in_pieces) {
        for (std::size_t i = 0; i < 4; ++i) {
          ASSERT_EQ(pair.give(row.header.substr(i, 1)), Status::ok);
        }
      }
      EXPECT_EQ(pair.give(is_in_pieces ? row.header.substr(4) : row.header), Status::failed);
      EXPECT_EQ(pair.failure.alert, row.alert) << base::hex_encode(row.header);
      EXPECT_TRUE(pair.plain.empty());
    }
  }
}

TEST_P(Compact, EveryBitOfARecordCounts) {
  Pair original(GetParam());
  const std::string wire = original.sealed(23, "secret");
  for (std::size_t at = 0; at < wire.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Pair pair(GetParam());
      std::string changed = wire;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      const Status status = pair.give(changed);
      // A longer length is a record that is not whole yet.
      EXPECT_TRUE(status == Status::failed || (at == 3 || at == 4)) << at;
      EXPECT_TRUE(pair.plain.empty()) << at;
      // Nor does the buffer keep what was not authentic.
      const std::string_view room(reinterpret_cast<const char*>(pair.plain.prepare(0).data()),
                                  std::min<std::size_t>(pair.plain.capacity(), 6));
      EXPECT_THAT(std::string(room), testing::Not(HasSubstr("secr")));
    }
  }
}

TEST_P(Compact, EmptyRecordsAreNoEndAndAFloodOfThemIs) {
  Pair pair(GetParam());
  for (std::uint32_t i = 0; i < kControlRecordsMax; ++i) {
    ASSERT_EQ(pair.give(pair.sealed(23, "", i % 3)), Status::ok);
  }
  EXPECT_EQ(pair.give(pair.sealed(23, "x")), Status::ok);
  EXPECT_EQ(pair.give(pair.sealed(21, "\x01\x5a")), Status::failed);
  EXPECT_THAT(pair.failure.text, HasSubstr("too many records without data: 33"));
  EXPECT_EQ(pair.plain.text(), "x");
}

TEST_P(Compact, FatalAlertsAreThePeersAndUserCanceledIsNone) {
  Pair pair(GetParam());
  EXPECT_EQ(pair.give(pair.sealed(21, "\x01\x5a")), Status::ok);
  // In TLS 1.3 the level does not matter.
  EXPECT_EQ(pair.give(pair.sealed(21, "\x01\x28")), Status::failed);
  EXPECT_EQ(pair.failure.alert, 40);
  EXPECT_TRUE(pair.failure.is_from_peer);
  EXPECT_TRUE(pair.wire_out.empty()) << "an alert is not answered";
}

TEST_P(Compact, WhatFollowsACloseNotifyIsNotRead) {
  Pair pair(GetParam());
  std::string wire = pair.sealed(23, "last");
  wire += pair.sealed(21, "\x01\x00"s);
  wire += pair.sealed(23, "later");
  EXPECT_EQ(pair.give(wire), Status::closed);
  EXPECT_EQ(pair.plain.text(), "last");
}

TEST_P(Compact, NothingIsHeldBetweenWholeRecords) {
  Pair pair(GetParam());
  const std::string wire = pair.sealed(23, std::string(1000, 'x'));
  EXPECT_EQ(pair.give(wire.substr(0, 1)), Status::ok);
  EXPECT_FALSE(pair.ours.is_at_boundary());
  EXPECT_EQ(pair.give(wire.substr(1, 500)), Status::ok);
  EXPECT_FALSE(pair.ours.is_at_boundary());
  EXPECT_EQ(pair.give(wire.substr(501)), Status::ok);
  EXPECT_TRUE(pair.ours.is_at_boundary());
  EXPECT_EQ(pair.plain.size(), 1000U);
}

}  // namespace
}  // namespace rondel::tls
