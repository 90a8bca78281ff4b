#include "perf/load/messages.h"

#include <cstring>

#include "base/random.h"
#include "perf/load/crowd.h"
#include "perf/load/stanza_head.h"

namespace rondel::load {
namespace {

constexpr std::string_view kHead = "<message type='chat' to='";
constexpr std::string_view kId = "' id='";
constexpr std::string_view kBody = "'><body>";
// As Conversations and Dino send: a chat state, a request for a receipt, an origin id.
constexpr std::string_view kTail =
    "</body><active xmlns='http://jabber.org/protocol/chatstates'/>"
    "<request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='";
constexpr std::string_view kEnd = "'/></message>";

char* put(char* at, std::string_view text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

}  // namespace

Messages::Messages(Crowd& crowd, std::uint32_t first, std::uint32_t count, std::uint32_t partners)
    : crowd_(crowd),
      ledger_(count, partners, first),
      texts_(crowd.options().body_bytes, crowd.options().seed),
      run_(static_cast<std::uint16_t>(base::random_u64())),
      zero_ns_(now_ns()) {
  Dice dice(crowd.options().seed + 1);
  for (std::uint32_t i = 0; i < count; ++i) {
    for (std::uint32_t partner = 0; partner < partners; ++partner) {
      std::uint32_t other = i ^ 1;
      if (partners > 1 || other >= count) {
        other = (i + 1 + dice.below(count - 1)) % count;
      }
      ledger_.set_partner(ledger_.pair_of(first + i, partner), first + other);
    }
  }
}

void Messages::write(Connection& sender, std::uint32_t pair, std::int64_t due) {
  MessageId id;
  id.run = run_;
  id.pair = pair;
  id.number = ledger_.next_number(pair);
  id.due_us = static_cast<std::uint64_t>(due - zero_ns_) / 1000;
  const std::string_view to = crowd_.accounts().bare_jid(ledger_.recipient_of(pair));
  const std::string_view text = texts_.wire(text_number(id));
  const std::string_view resource = crowd_.options().is_to_full ? kFullSuffix : "";
  const std::size_t size = kHead.size() + to.size() + resource.size() + kId.size() + kBody.size() +
                           text.size() + kTail.size() + kEnd.size() + 2 * MessageId::kTextSize;
  base::ByteBuffer& out = sender.out();
  char* const begin = reinterpret_cast<char*>(out.prepare(size).data());
  char* const id_at = put(put(put(put(begin, kHead), to), resource), kId);
  id.write(id_at);
  char* at = put(put(put(id_at + MessageId::kTextSize, kBody), text), kTail);
  std::memcpy(at, id_at, MessageId::kTextSize);
  put(at + MessageId::kTextSize, kEnd);
  out.commit(size);
  stanza_bytes_ += size;
  text_bytes_ += text.size();
}

Messages::Read Messages::read(Connection& recipient, std::string_view text, std::int64_t now) {
  Read read;
  const StanzaHead head(text);
  if (head.name != "message" || !MessageId::read(head.id, read.id) || read.id.run != run_) {
    return read;
  }
  read.is_ours = true;
  if (head.type == "error") {
    ledger_.note_bounced(read.id);
    return read;
  }
  const std::uint32_t before = ledger_.expected(read.id.pair);
  const Delivery delivery = ledger_.delivered(recipient.number(), read.id);
  if (delivery == Delivery::unknown) {
    crowd_.metrics().problems.add("a message that was never sent",
                                  crowd_.accounts().name(recipient.number()));
    return read;
  }
  read.advance = ledger_.expected(read.id.pair) - before;
  if (delivery == Delivery::in_order || delivery == Delivery::late) {
    last_delivery_ = now;
    crowd_.metrics().note_latency(zero_ns_ + static_cast<std::int64_t>(read.id.due_us) * 1000, now);
    constexpr std::string_view kOpen = "<body>";
    const std::size_t body = text.find(kOpen, head.size);
    const std::size_t end = text.find("</body>", head.size);
    if (body == std::string_view::npos || end == std::string_view::npos ||
        !texts_.is_same(text_number(read.id),
                        text.substr(body + kOpen.size(), end - body - kOpen.size()))) {
      ledger_.note_altered(read.id);
    }
  }
  return read;
}

}  // namespace rondel::load
