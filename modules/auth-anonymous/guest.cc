#include "modules/auth-anonymous/guest.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/random.h"

namespace rondel::modules::auth_anonymous {

std::atomic<std::uint32_t>& GuestBook::cell_of(const api::PeerAddress& peer) const {
  const std::size_t significant = peer.is_ipv4() ? peer.bytes.size() : 8;
  const std::string_view key(reinterpret_cast<const char*>(peer.bytes.data()), significant);
  return cells_[base::hash_text(key) % kCells];
}

bool GuestBook::try_enter(const api::PeerAddress& peer,
                          std::uint32_t all_max,
                          std::uint32_t per_address_max) {
  if (all_.fetch_add(1, std::memory_order_relaxed) < all_max) {
    std::atomic<std::uint32_t>& cell = cell_of(peer);
    if (cell.fetch_add(1, std::memory_order_relaxed) < per_address_max) {
      return true;
    }
    cell.fetch_sub(1, std::memory_order_relaxed);
  }
  all_.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

void GuestBook::leave(const api::PeerAddress& peer) {
  cell_of(peer).fetch_sub(1, std::memory_order_relaxed);
  all_.fetch_sub(1, std::memory_order_relaxed);
}

Guest::Guest(std::shared_ptr<GuestBook> book, const api::PeerAddress& peer)
    : book_(std::move(book)), peer_(peer) {
}

Guest::~Guest() {
  book_->leave(peer_);
}

bool Guest::try_spend(std::uint64_t now_ms, std::uint32_t per_minute_max) {
  constexpr std::uint64_t kMinuteMs = 60'000;
  const std::uint64_t cost_ms = std::max<std::uint64_t>(kMinuteMs / per_minute_max, 1);
  const std::uint64_t full_at_ms = std::max(full_at_ms_, now_ms) + cost_ms;
  if (full_at_ms > now_ms + kMinuteMs) {
    return false;
  }
  full_at_ms_ = full_at_ms;
  return true;
}

std::string make_guest_name() {
  std::array<std::byte, 16> bytes{};
  base::random_bytes(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  std::string name = base::hex_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  for (const std::size_t at : {20, 16, 12, 8}) {
    name.insert(at, 1, '-');
  }
  return name;
}

bool is_at_or_below(std::string_view domain, std::string_view host) {
  return domain == host || (domain.size() > host.size() + 1 && domain.ends_with(host) &&
                            domain[domain.size() - host.size() - 1] == '.');
}

}  // namespace rondel::modules::auth_anonymous
