#include "tls/ticket_keys.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/encoding.h"
#include "base/random.h"

namespace rondel::tls {

TicketKey::~TicketKey() {
  base::wipe(name);
  base::wipe(cipher_key);
  base::wipe(mac_key);
}

TicketKeys::TicketKeys(std::uint64_t now_ms) : due_ms_(now_ms + kTicketKeyPeriodMs) {
  // Every place holds a key from the start, so that no name is ever all zeroes.
  for (std::size_t i = 0; i < kKeys; ++i) {
    rotate();
  }
}

TicketKeys::~TicketKeys() {
  for (auto& key : keys_) {
    for (auto& word : key) {
      word.store(0, std::memory_order_relaxed);
    }
  }
}

void TicketKeys::rotate() {
  Words fresh;
  base::random_bytes(std::as_writable_bytes(std::span(fresh)));
  std::uint32_t sequence = sequence_.load(std::memory_order_relaxed);
  do {
    sequence &= ~1U;  // Another writer at work: wait for its even number.
  } while (!sequence_.compare_exchange_weak(sequence, sequence + 1, std::memory_order_acq_rel));
  // Release stores keep the odd number before every word: who reads a new word reads it too.
  for (std::size_t i = kKeys - 1; i > 0; --i) {
    for (std::size_t word = 0; word < kWords; ++word) {
      keys_[i][word].store(keys_[i - 1][word].load(std::memory_order_relaxed),
                           std::memory_order_release);
    }
  }
  for (std::size_t word = 0; word < kWords; ++word) {
    keys_[0][word].store(fresh[word], std::memory_order_release);
  }
  sequence_.store(sequence + 2, std::memory_order_release);
  base::wipe(std::as_writable_bytes(std::span(fresh)));
}

void TicketKeys::rotate_if_due(std::uint64_t now_ms) {
  std::uint64_t due_ms = due_ms_.load(std::memory_order_relaxed);
  // One thread wins the exchange and rotates; the others go on with the old key meanwhile.
  while (now_ms >= due_ms) {
    const std::uint64_t periods = (now_ms - due_ms) / kTicketKeyPeriodMs + 1;
    if (due_ms_.compare_exchange_weak(due_ms, due_ms + periods * kTicketKeyPeriodMs)) {
      // After a long quiet time every old key is past its time, not the oldest alone.
      for (std::uint64_t i = 0; i < std::min<std::uint64_t>(periods, kKeys); ++i) {
        rotate();
      }
      return;
    }
  }
}

std::array<TicketKey, TicketKeys::kKeys> TicketKeys::read() const {
  std::array<TicketKey, kKeys> keys;
  while (true) {
    const std::uint32_t before = sequence_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < kKeys; ++i) {
      Words words;
      for (std::size_t word = 0; word < kWords; ++word) {
        words[word] = keys_[i][word].load(std::memory_order_acquire);
      }
      const auto bytes = std::as_bytes(std::span(words));
      std::memcpy(keys[i].name.data(), bytes.data(), 16);
      std::memcpy(keys[i].cipher_key.data(), bytes.data() + 16, 32);
      std::memcpy(keys[i].mac_key.data(), bytes.data() + 48, 32);
      base::wipe(std::as_writable_bytes(std::span(words)));
    }
    if (before % 2 == 0 && sequence_.load(std::memory_order_relaxed) == before) {
      return keys;
    }
  }
}

TicketKey TicketKeys::current(std::uint64_t now_ms) {
  rotate_if_due(now_ms);
  return read()[0];
}

std::optional<TicketKeys::Found> TicketKeys::find(std::span<const std::byte, 16> name,
                                                  std::uint64_t now_ms) {
  rotate_if_due(now_ms);
  const auto keys = read();
  for (std::size_t i = 0; i < kKeys; ++i) {
    if (std::equal(name.begin(), name.end(), keys[i].name.begin())) {
      return Found{keys[i], i == 0};
    }
  }
  return std::nullopt;
}

}  // namespace rondel::tls
