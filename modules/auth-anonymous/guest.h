// An anonymous user: a place among those that may be here at a time, and an allowance of stanzas.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "modules/api/connection.h"
#include "modules/api/session.h"

namespace rondel::modules::auth_anonymous {

/// How many guests there are, in all and by address, over all shards, without a lock.
///
/// Two addresses may share a counter, by a seeded hash; that refuses a guest too many at worst.
/// Thread: any. Owner: shared with the guests.
class GuestBook {
 public:
  /// False, and nothing counted, if one of the limits is reached.
  [[nodiscard]] bool try_enter(const api::PeerAddress& peer,
                               std::uint32_t all_max,
                               std::uint32_t per_address_max);
  void leave(const api::PeerAddress& peer);
  [[nodiscard]] std::uint32_t count() const { return all_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kCells = std::size_t{1} << 16;

  [[nodiscard]] std::atomic<std::uint32_t>& cell_of(const api::PeerAddress& peer) const;

  std::atomic<std::uint32_t> all_{0};
  std::unique_ptr<std::atomic<std::uint32_t>[]> cells_ =
      std::make_unique<std::atomic<std::uint32_t>[]>(kCells);
};

/// One guest's place; given back when the session goes, or the stream before it had one.
///
/// Owner: the stream, then the session.
class Guest final : public api::ModuleState {
 public:
  /// The caller has entered `peer` into the book.
  Guest(std::shared_ptr<GuestBook> book, const api::PeerAddress& peer);
  ~Guest() override;
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  /// Takes one stanza from the allowance, which grows by `per_minute_max` a minute up to as much;
  /// false: there is none left.
  [[nodiscard]] bool try_spend(std::uint64_t now_ms, std::uint32_t per_minute_max);

 private:
  const std::shared_ptr<GuestBook> book_;
  const api::PeerAddress peer_;
  std::uint64_t full_at_ms_ = 0;  ///< When the allowance would be whole again.
};

/// A random UUID, as XEP-0175 §2 recommends for the local part. Source: RFC 4122 §4.4.
[[nodiscard]] std::string make_guest_name();

/// True if `domain` is `host` or lies below it.
[[nodiscard]] bool is_at_or_below(std::string_view domain, std::string_view host);

}  // namespace rondel::modules::auth_anonymous
