// The bare relay on a simulated ring: its canned negotiation, and that every byte arrives as it
// was.
#include "perf/relay/relay.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "tests/support/sim_ring.h"

namespace rondel::tests {
namespace {

using perf::Relay;
using perf::RelayBegin;
using perf::RelayMode;

constexpr std::string_view kHeader =
    "<?xml version='1.0'?><stream:stream to='example.org' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>";
constexpr std::string_view kBind =
    "<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
    "<resource>home</resource></bind></iq>";

struct RelayTest : testing::TestWithParam<std::uint64_t> {
  RelayTest() { make(RelayMode::pairs, RelayBegin::presence); }

  void make(RelayMode mode, RelayBegin begin) {
    relay.reset();
    ring = std::make_unique<SimRing>(SimOptions{.seed = GetParam()});
    listener = ring->open_listener();
    relay = std::make_unique<Relay>(*ring, listener, mode, begin);
  }
  void turn(int turns = 30) {
    for (int i = 0; i < turns; ++i) {
      relay->run_once();
    }
  }
  std::string ask(SimPeer& peer, std::string_view text) {
    peer.write(text);
    turn();
    return peer.read();
  }
  SimPeer bound(const std::string& user) {
    SimPeer peer = ring->connect(listener);
    ask(peer, kHeader);
    const std::string secret =
        base::base64_encode(std::string("\0", 1) + user + std::string("\0x", 2));
    EXPECT_NE(ask(peer, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" +
                            secret + "</auth>")
                  .find("<success"),
              std::string::npos);
    ask(peer, kHeader);
    EXPECT_NE(ask(peer, kBind).find("<jid>" + user + "@example.org/home</jid>"), std::string::npos);
    return peer;
  }
  SimPeer logged_in(const std::string& user) {
    SimPeer peer = bound(user);
    EXPECT_NE(ask(peer, "<presence/>").find("<presence from='" + user + "@example.org/home'"),
              std::string::npos);
    return peer;
  }

  std::unique_ptr<SimRing> ring;
  int listener = -1;
  std::unique_ptr<Relay> relay;
};

TEST_P(RelayTest, OffersPlainAndThenBinding) {
  SimPeer peer = ring->connect(listener);
  EXPECT_NE(ask(peer, kHeader).find("<mechanism>PLAIN</mechanism>"), std::string::npos);
  SimPeer other = bound("u0");
  EXPECT_EQ(ask(other, "<iq type='get' id='r7'><query xmlns='jabber:iq:roster'/></iq>"),
            "<iq type='result' id='r7'/>");
}

TEST_P(RelayTest, CopiesEveryByteToTheOneWhomTheFirstBytesName) {
  SimPeer romeo = logged_in("u0");
  SimPeer juliet = logged_in("u1");
  SimPeer nurse = logged_in("u2");
  std::string sent;
  std::string heard;
  for (int i = 0; i < 200; ++i) {
    const std::string text =
        i == 0 ? "<message to='u1@example.org'>0</message>"
               : "<message to='u2@example.org'>not looked at: " + std::to_string(i) +
                     std::string(static_cast<std::size_t>(i) * 7, 'x') + "</message>";
    romeo.write(text);
    sent += text;
    turn(1);
    heard += juliet.read();
  }
  turn();
  EXPECT_EQ(heard + juliet.read(), sent);
  EXPECT_EQ(nurse.read(), "");
  EXPECT_EQ(ask(juliet, "<message to='u0@example.org/home'>back</message>"), "");
  EXPECT_EQ(romeo.read(), "<message to='u0@example.org/home'>back</message>");
  EXPECT_EQ(relay->counters().bytes_dropped, 0U);
}

TEST_P(RelayTest, KeepsWhatIsSentToAUserWhoHasBoundAndSentNoPresenceYet) {
  SimPeer romeo = logged_in("u0");
  SimPeer juliet = bound("u1");
  ask(romeo, "<message to='u1@example.org'>early</message>");
  EXPECT_EQ(juliet.read(), "<message to='u1@example.org'>early</message>");
  EXPECT_EQ(relay->counters().bytes_dropped, 0U);
}

TEST_P(RelayTest, CountsWhatIsForNobody) {
  SimPeer romeo = logged_in("u0");
  const std::string text = "<message to='u9@example.org'>hello?</message>";
  ask(romeo, text);
  EXPECT_EQ(relay->counters().bytes_dropped, text.size());
}

TEST_P(RelayTest, SendsABroadcastToAllOthers) {
  make(RelayMode::broadcast, RelayBegin::presence);
  SimPeer romeo = logged_in("u0");
  std::vector<SimPeer> others;
  for (int i = 1; i <= 5; ++i) {
    others.push_back(logged_in("u" + std::to_string(i)));
  }
  std::string sent;
  for (int i = 0; i < 50; ++i) {
    const std::string text = "<presence id='" + std::to_string(i) + "'/>";
    romeo.write(text);
    sent += text;
    turn(i % 3);
  }
  turn(100);
  for (SimPeer& other : others) {
    EXPECT_EQ(other.read(), sent);
  }
  EXPECT_EQ(romeo.read(), "");
}

TEST_P(RelayTest, BeginsBehindTheBindIfToldSo) {
  make(RelayMode::pairs, RelayBegin::bind);
  SimPeer romeo = bound("u0");
  SimPeer juliet = bound("u1");
  ask(romeo, "<message to='u1@example.org'/>");
  EXPECT_EQ(juliet.read(), "<message to='u1@example.org'/>");
}

TEST_P(RelayTest, AnswersTheEndOfAStreamAndForgetsTheConnection) {
  SimPeer romeo = logged_in("u0");
  EXPECT_EQ(ask(romeo, "</stream:stream>"), "</stream:stream>");
  romeo.close();
  turn();
  EXPECT_EQ(ring->operations_under_way(), 1U);  // The accept.
}

TEST_P(RelayTest, CutsWhoSpeaksNoXmppOrNoPlain) {
  for (const std::string_view text : {"GET / HTTP/1.1\r\n\r\n", "<auth>AAAA</auth>"}) {
    SimPeer peer = ring->connect(listener);
    peer.write(text == "<auth>AAAA</auth>" ? std::string(kHeader) + std::string(text)
                                           : std::string(text));
    turn();
    peer.close();
    turn();
  }
  EXPECT_EQ(relay->counters().failures, 2U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RelayTest, testing::Range<std::uint64_t>(1, 6));

struct Attribute {
  std::string_view element, name, value;
};

TEST(AttributeOf, FindsWholeNamesInTheFirstTagOnly) {
  for (const Attribute& each : {Attribute{"<message to='a@b'>", "to", "a@b"},
                                Attribute{"<message id=\"1\" to=\"a@b/c\"/>", "to", "a@b/c"},
                                Attribute{"<message into='x' to='y'>", "to", "y"},
                                Attribute{"<message><x to='y'/></message>", "to", ""},
                                Attribute{"<message to='cut", "to", ""}, Attribute{"", "to", ""},
                                Attribute{"<message to", "to", ""}}) {
    EXPECT_EQ(perf::attribute_of(each.element, each.name), each.value) << each.element;
  }
}

}  // namespace
}  // namespace rondel::tests
