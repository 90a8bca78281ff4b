#include "xml/well_known.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace rondel::xml {
namespace {

constexpr std::string_view kNamespaces[] = {
    "jabber:client",
    "jabber:server",
    "jabber:component:accept",
    "jabber:server:dialback",
    "http://etherx.jabber.org/streams",
    "http://www.w3.org/XML/1998/namespace",
    "urn:ietf:params:xml:ns:xmpp-framing",
    "urn:ietf:params:xml:ns:xmpp-streams",
    "urn:ietf:params:xml:ns:xmpp-stanzas",
    "urn:ietf:params:xml:ns:xmpp-tls",
    "urn:ietf:params:xml:ns:xmpp-sasl",
    "urn:ietf:params:xml:ns:xmpp-bind",
    "urn:ietf:params:xml:ns:xmpp-session",
    "urn:xmpp:sasl:2",
    "urn:xmpp:bind:0",
    "urn:xmpp:sm:3",
    "urn:xmpp:csi:0",
    "urn:xmpp:ping",
    "urn:xmpp:time",
    "urn:xmpp:delay",
    "urn:xmpp:sid:0",
    "urn:xmpp:hints",
    "urn:xmpp:receipts",
    "urn:xmpp:chat-markers:0",
    "urn:xmpp:message-correct:0",
    "urn:xmpp:carbons:2",
    "urn:xmpp:forward:0",
    "urn:xmpp:mam:2",
    "urn:xmpp:blocking",
    "urn:xmpp:eme:0",
    "urn:xmpp:reply:0",
    "urn:xmpp:reactions:0",
    "urn:xmpp:push:0",
    "urn:xmpp:idle:1",
    "urn:xmpp:bob",
    "urn:xmpp:avatar:metadata",
    "urn:xmpp:avatar:data",
    "urn:xmpp:bookmarks:1",
    "urn:xmpp:omemo:2",
    "urn:xmpp:http:upload:0",
    "urn:xmpp:extdisco:2",
    "eu.siacs.conversations.axolotl",
    "vcard-temp",
    "vcard-temp:x:update",
    "storage:bookmarks",
    "jabber:iq:roster",
    "jabber:iq:private",
    "jabber:iq:version",
    "jabber:iq:last",
    "jabber:iq:register",
    "jabber:iq:auth",
    "jabber:iq:search",
    "jabber:x:data",
    "jabber:x:oob",
    "jabber:x:conference",
    "jabber:x:encrypted",
    "jabber:x:delay",
    "http://jabber.org/protocol/caps",
    "http://jabber.org/protocol/chatstates",
    "http://jabber.org/protocol/commands",
    "http://jabber.org/protocol/disco#info",
    "http://jabber.org/protocol/disco#items",
    "http://jabber.org/protocol/muc",
    "http://jabber.org/protocol/muc#user",
    "http://jabber.org/protocol/muc#owner",
    "http://jabber.org/protocol/muc#admin",
    "http://jabber.org/protocol/nick",
    "http://jabber.org/protocol/pubsub",
    "http://jabber.org/protocol/pubsub#event",
    "http://jabber.org/protocol/pubsub#owner",
    "http://jabber.org/protocol/pubsub#errors",
    "http://jabber.org/protocol/rsm",
    "http://jabber.org/protocol/xhtml-im",
    "http://jabber.org/features/iq-register",
};
constexpr std::size_t kCount = std::size(kNamespaces);

consteval std::size_t bytes_of_all() {
  std::size_t bytes = 0;
  for (std::string_view ns : kNamespaces) {
    bytes += ns.size();
  }
  return bytes;
}

// One run of characters, so that "is it ours?" is a comparison of addresses.
struct Pool {
  std::array<char, bytes_of_all()> text{};
  std::array<std::uint16_t, kCount + 1> begin{};
};
consteval Pool make_pool() {
  Pool pool;
  std::size_t at = 0;
  for (std::size_t index = 0; index < kCount; ++index) {
    pool.begin[index] = static_cast<std::uint16_t>(at);
    for (char c : kNamespaces[index]) {
      pool.text[at++] = c;
    }
  }
  pool.begin[kCount] = static_cast<std::uint16_t>(at);
  return pool;
}
constexpr Pool kPool = make_pool();

constexpr std::size_t kSlots = 512;
constexpr std::uint8_t kFree = 0xff;
static_assert(kCount < kFree && kCount * 4 < kSlots);

// A peer gains nothing by colliding: the table is fixed and a probe ends at the first free slot.
constexpr std::size_t slot_of(std::string_view ns) {
  const auto byte = [ns](std::size_t index) {
    return static_cast<std::size_t>(static_cast<unsigned char>(ns[index]));
  };
  const std::size_t size = ns.size();
  return (size * 131 + byte(size - 1) * 31 + byte(size / 2) * 7 + byte(size * 3 / 4) * 57 +
          byte(size / 4) * 3) %
         kSlots;
}

consteval std::array<std::uint8_t, kSlots> make_table() {
  std::array<std::uint8_t, kSlots> table{};
  table.fill(kFree);
  for (std::size_t index = 0; index < kCount; ++index) {
    std::size_t slot = slot_of(kNamespaces[index]);
    while (table[slot] != kFree) {
      slot = (slot + 1) % kSlots;
    }
    table[slot] = static_cast<std::uint8_t>(index);
  }
  return table;
}
constexpr std::array<std::uint8_t, kSlots> kTable = make_table();

}  // namespace

std::string_view well_known_namespace(std::string_view ns) {
  if (ns.empty()) {
    return {};
  }
  for (std::size_t slot = slot_of(ns); kTable[slot] != kFree; slot = (slot + 1) % kSlots) {
    const std::size_t index = kTable[slot];
    const std::size_t begin = kPool.begin[index];
    const std::string_view known(kPool.text.data() + begin, kPool.begin[index + 1] - begin);
    if (known == ns) {
      return known;
    }
  }
  return {};
}

bool is_well_known(std::string_view ns) {
  const std::less<const char*> before;
  return !before(ns.data(), kPool.text.data()) &&
         before(ns.data(), kPool.text.data() + kPool.text.size());
}

std::string_view keep_namespace(Arena& arena, std::string_view ns) {
  if (ns.empty() || is_well_known(ns)) {
    return ns.empty() ? std::string_view() : ns;
  }
  const std::string_view known = well_known_namespace(ns);
  return known.empty() ? arena.copy(ns) : known;
}

}  // namespace rondel::xml
