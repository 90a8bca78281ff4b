#include "perf/load/ledger.h"

#include <algorithm>
#include <array>
#include <span>

namespace rondel::load {
namespace {

// 8-4-4-4-12, as in RFC 9562 §4.
constexpr std::array<std::uint8_t, 32> kDigitPlaces = [] {
  std::array<std::uint8_t, 32> places{};
  std::uint8_t at = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) {
      ++at;
    }
    places[i] = at++;
  }
  return places;
}();

constexpr std::array<std::int8_t, 256> kDigitValues = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (int i = 0; i < 16; ++i) {
    values[static_cast<unsigned char>("0123456789abcdef"[i])] = static_cast<std::int8_t>(i);
  }
  return values;
}();

void write_digits(std::uint64_t value, std::span<const std::uint8_t, 16> places, char* out) {
  for (std::size_t i = 0; i < 16; ++i) {
    out[places[i]] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
  }
}

/// Negative if a character is no digit.
int read_digits(std::string_view text,
                std::span<const std::uint8_t, 16> places,
                std::uint64_t& value) {
  int any_bad = 0;
  value = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    const int digit = kDigitValues[static_cast<unsigned char>(text[places[i]])];
    any_bad |= digit;
    value = value << 4 | static_cast<std::uint64_t>(digit & 15);
  }
  return any_bad;
}

}  // namespace

void MessageId::write(char* out) const {
  constexpr std::span<const std::uint8_t, 32> places(kDigitPlaces);
  out[8] = out[13] = out[18] = out[23] = '-';
  write_digits(std::uint64_t{pair} << 32 | number, places.first<16>(), out);
  write_digits(std::uint64_t{run} << 48 | (due_us & 0xffff'ffff'ffffU), places.last<16>(), out);
}

bool MessageId::read(std::string_view text, MessageId& id) {
  constexpr std::span<const std::uint8_t, 32> places(kDigitPlaces);
  if (text.size() != kTextSize) {
    return false;
  }
  std::uint64_t high;
  std::uint64_t low;
  if ((read_digits(text, places.first<16>(), high) | read_digits(text, places.last<16>(), low)) <
      0) {
    return false;
  }
  id.pair = static_cast<std::uint32_t>(high >> 32);
  id.number = static_cast<std::uint32_t>(high);
  id.run = static_cast<std::uint16_t>(low >> 48);
  id.due_us = low & 0xffff'ffff'ffffU;
  return true;
}

LedgerCounts& LedgerCounts::operator+=(const LedgerCounts& other) {
  sent += other.sent;
  delivered += other.delivered;
  lost += other.lost;
  repeated += other.repeated;
  reordered += other.reordered;
  misrouted += other.misrouted;
  altered += other.altered;
  bounced += other.bounced;
  return *this;
}

Ledger::Ledger(std::uint32_t senders, std::uint32_t partners, std::uint32_t first)
    : partners_(partners),
      first_(first),
      recipients_(std::size_t{senders} * partners),
      sent_(recipients_.size()),
      expected_(recipients_.size()) {
}

Delivery Ledger::judge(std::uint32_t session, const MessageId& id) {
  if (id.pair >= pairs() || id.number >= sent_[id.pair]) {
    return Delivery::unknown;
  }
  if (recipients_[id.pair] != session) {
    ++counts_.misrouted;
    note("misrouted", id.pair, session, id.number);
    return Delivery::misrouted;
  }
  std::uint32_t& expected = expected_[id.pair];
  if (id.number > expected) {
    for (; expected < id.number; ++expected) {
      missing_.insert(key(id.pair, expected));
    }
    ++expected;
    ++counts_.delivered;
    return Delivery::in_order;
  }
  if (missing_.erase(key(id.pair, id.number)) > 0) {
    ++counts_.delivered;
    ++counts_.reordered;
    note("reordered", id.pair, session, id.number);
    return Delivery::late;
  }
  ++counts_.repeated;
  note("repeated", id.pair, session, id.number);
  return Delivery::repeated;
}

void Ledger::note_altered(const MessageId& id) {
  ++counts_.altered;
  note("altered", id.pair, recipients_[id.pair], id.number);
}

void Ledger::note_bounced(const MessageId& id) {
  if (id.pair < pairs()) {
    ++counts_.bounced;
    note("bounced", id.pair, recipients_[id.pair], id.number);
  }
}

void Ledger::settle() {
  std::vector<std::uint64_t> lost(missing_.begin(), missing_.end());
  std::sort(lost.begin(), lost.end());
  for (const std::uint64_t one : lost) {
    const auto pair = static_cast<std::uint32_t>(one >> 32);
    note("lost", pair, recipients_[pair], static_cast<std::uint32_t>(one));
  }
  counts_.lost = lost.size();
  for (std::uint32_t pair = 0; pair < pairs(); ++pair) {
    for (std::uint32_t number = expected_[pair]; number < sent_[pair]; ++number) {
      note("lost", pair, recipients_[pair], number);
      ++counts_.lost;
    }
  }
}

void Ledger::note(const char* what, std::uint32_t pair, std::uint32_t to, std::uint32_t number) {
  if (examples_.size() < kExamplesMax) {
    examples_.push_back({what, sender_of(pair), to, number});
  }
}

}  // namespace rondel::load
