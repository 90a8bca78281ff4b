#include "perf/load/broadcasts.h"

#include <array>
#include <fmt/format.h>

#include "base/random.h"
#include "perf/load/crowd.h"
#include "perf/load/stanza_head.h"

namespace rondel::load {
namespace {

constexpr std::uint32_t kAskedAtATime = 64;

bool is_from(const StanzaHead& head, std::string_view bare_jid) {
  return head.from.starts_with(bare_jid) &&
         (head.from.size() == bare_jid.size() || head.from[bare_jid.size()] == '/');
}

}  // namespace

Broadcasts::Broadcasts(Crowd& crowd, const Groups& groups)
    : crowd_(crowd),
      groups_(groups),
      ledger_(groups.count, groups.followers, groups.first_leader),
      run_(static_cast<std::uint16_t>(base::random_u64())),
      zero_ns_(now_ns()),
      is_subscribing_(!crowd.options().is_prepared),
      is_subscribed_(std::size_t{groups.count} * groups.followers) {
  for (std::uint32_t pair = 0; pair < ledger_.pairs(); ++pair) {
    ledger_.set_partner(pair, groups.first_follower + pair);
  }
}

bool Broadcasts::subscribe(std::int64_t now) {
  const std::uint32_t followers = ledger_.pairs();
  while (asked_ < followers && asked_ < subscribed_ + kAskedAtATime) {
    const std::uint32_t follower = groups_.first_follower + asked_++;
    if (is_subscribed_[follower - groups_.first_follower]) {
      continue;
    }
    crowd_[follower].out().append(fmt::format("<presence type='subscribe' to='{}'/>",
                                              crowd_.accounts().bare_jid(leader_of(follower))));
    last_progress_ = now;
  }
  if (subscribed_ < followers && last_progress_ != 0 &&
      now - last_progress_ > to_ns(crowd_.options().patience_s)) {
    crowd_.metrics().problems.add("a subscription was not answered", {}, followers - subscribed_);
    is_subscribing_ = false;
  }
  is_subscribing_ = is_subscribing_ && subscribed_ < followers;
  return !is_subscribing_;
}

bool Broadcasts::send(std::uint32_t group, std::int64_t due) {
  Connection& leader = crowd_[groups_.first_leader + group];
  if (!leader.is_ready()) {
    return false;
  }
  MessageId id;
  id.run = run_;
  id.pair = group * groups_.followers;
  id.due_us = static_cast<std::uint64_t>(due - zero_ns_) / 1000;
  for (std::uint32_t follower = 0; follower < groups_.followers; ++follower) {
    id.number = ledger_.next_number(id.pair + follower);
  }
  std::array<char, MessageId::kTextSize> text;
  id.write(text.data());
  const std::string_view name(text.data(), text.size());
  base::ByteBuffer& out = leader.out();
  const std::size_t before = out.size();
  out.append("<presence id='");
  out.append(name);
  out.append(sent_ % 2 == 0 ? "'><show>away</show><status>" : "'><show>dnd</show><status>");
  out.append(name);
  out.append(
      "</status><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' "
      "node='https://client.example' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>");
  stanza_bytes_ += (out.size() - before) * groups_.followers;
  ++sent_;
  return true;
}

Broadcasts::Read Broadcasts::read(Connection& connection, std::string_view text, std::int64_t now) {
  Read read;
  if (!text.starts_with("<presence")) {
    return read;
  }
  if (is_subscribing_) [[unlikely]] {
    read_subscription(connection, text);
  }
  constexpr std::string_view kStatus = "<status>";
  const std::size_t status = text.find(kStatus);
  MessageId id;
  if (status == std::string_view::npos || !is_follower(connection.number()) ||
      !MessageId::read(text.substr(status + kStatus.size(), MessageId::kTextSize), id) ||
      id.run != run_) {
    return read;
  }
  // All copies name the group's first pair; whose this one is, says who got it. Somebody who is
  // subscribed to another leader, too, by an earlier run, is right to get more.
  const std::uint32_t pair = connection.number() - groups_.first_follower;
  read.group = id.pair / groups_.followers;
  if (pair / groups_.followers != read.group) {
    return read;
  }
  read.is_ours = true;
  id.pair = pair;
  const std::uint32_t before = ledger_.expected(id.pair);
  const Delivery delivery = ledger_.delivered(connection.number(), id);
  read.advance = ledger_.expected(id.pair) - before;
  if (delivery == Delivery::in_order || delivery == Delivery::late) {
    crowd_.metrics().note_latency(zero_ns_ + static_cast<std::int64_t>(id.due_us) * 1000, now);
  }
  return read;
}

void Broadcasts::read_subscription(Connection& connection, std::string_view text) {
  const StanzaHead head(text);
  const std::uint32_t number = connection.number();
  if (head.type == "subscribe" && is_leader(number)) {
    connection.out().append(fmt::format("<presence type='subscribed' to='{}'/>", head.from));
    return;
  }
  // A leader's presence comes to those only that are subscribed, perhaps since long.
  if (is_follower(number) && (head.type.empty() || head.type == "subscribed") &&
      !is_subscribed_[number - groups_.first_follower] &&
      is_from(head, crowd_.accounts().bare_jid(leader_of(number)))) {
    is_subscribed_[number - groups_.first_follower] = true;
    ++subscribed_;
    last_progress_ = now_ns();
  }
}

std::pair<std::uint64_t, std::uint64_t> Broadcasts::bytes_written() const {
  return {stanza_bytes_, sent_ * groups_.followers * MessageId::kTextSize};
}

}  // namespace rondel::load
