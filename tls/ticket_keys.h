// The keys of session tickets: drawn here, replaced by schedule, never written anywhere.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace rondel::tls {

/// One ticket key; wipes itself.
struct TicketKey {
  std::array<std::byte, 16> name{};
  std::array<std::byte, 32> cipher_key{};  ///< AES-256-CBC.
  std::array<std::byte, 32> mac_key{};     ///< HMAC-SHA-256.

  TicketKey() = default;
  TicketKey(const TicketKey&) = default;
  TicketKey& operator=(const TicketKey&) = default;
  ~TicketKey();
};

/// How long a ticket is honoured; its key is forgotten at most kTicketKeyPeriodMs later.
inline constexpr std::uint64_t kTicketLifetimeMs = 12ULL * 3600 * 1000;
inline constexpr std::uint64_t kTicketKeyPeriodMs = 6ULL * 3600 * 1000;

/// A current key and the two before it, so that a ticket outlives two changes of key.
///
/// Thread: any. Readers take no lock: a sequence number tells them that the writer came between,
/// and they read again. The writer is whoever first sees that the key is due.
class TicketKeys {
 public:
  static constexpr std::size_t kKeys = 3;
  static_assert((kKeys - 1) * kTicketKeyPeriodMs >= kTicketLifetimeMs);

  explicit TicketKeys(std::uint64_t now_ms);
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  /// The key for new tickets; draws a new one first if the current one is older than the period.
  [[nodiscard]] TicketKey current(std::uint64_t now_ms);

  struct Found {
    TicketKey key;
    bool is_current;  ///< False: the ticket should be replaced.
  };
  /// The key of that name; absent if it was forgotten or is not ours.
  [[nodiscard]] std::optional<Found> find(std::span<const std::byte, 16> name,
                                          std::uint64_t now_ms);
  /// Draws a new current key now and forgets the oldest.
  void rotate();

 private:
  static constexpr std::size_t kWords = sizeof(TicketKey) / sizeof(std::uint64_t);
  static_assert(sizeof(TicketKey) == kWords * sizeof(std::uint64_t));
  using Words = std::array<std::uint64_t, kWords>;

  void rotate_if_due(std::uint64_t now_ms);
  [[nodiscard]] std::array<TicketKey, kKeys> read() const;

  std::atomic<std::uint32_t> sequence_{0};  ///< Odd while the writer is at work.
  std::array<std::array<std::atomic<std::uint64_t>, kWords>, kKeys> keys_{};  ///< Newest first.
  std::atomic<std::uint64_t> due_ms_;
};

}  // namespace rondel::tls
