// The account of every message: who owes whom which number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace rondel::load {

/// What a message's id says; 128 bits, written like the UUIDs of real clients.
struct MessageId {
  std::uint16_t run = 0;     ///< Other runs' messages (from offline storage) are none of ours.
  std::uint32_t pair = 0;    ///< A sender and one of its partners, in this direction.
  std::uint32_t number = 0;  ///< Counts from 0 in each pair.
  std::uint64_t due_us = 0;  ///< When it was to be written, since the run's beginning; 48 bits.

  static constexpr std::size_t kTextSize = 36;
  /// Writes kTextSize characters.
  void write(char* out) const;
  /// False if `text` is no such id.
  [[nodiscard]] static bool read(std::string_view text, MessageId& id);
};

enum class Delivery : std::uint8_t {
  in_order,
  late,  ///< A later one of the same pair was there before it.
  repeated,
  misrouted,  ///< It came to somebody whom it was not for.
  unknown,    ///< Never sent.
};

struct LedgerCounts {
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;  ///< Each message once: in_order and late.
  std::uint64_t lost = 0;       ///< Set by settle().
  std::uint64_t repeated = 0;
  std::uint64_t reordered = 0;
  std::uint64_t misrouted = 0;
  std::uint64_t altered = 0;
  std::uint64_t bounced = 0;

  LedgerCounts& operator+=(const LedgerCounts& other);
  /// Everything sent came once, in order, to whom it was for, as it was.
  [[nodiscard]] bool is_clean() const {
    return lost + repeated + reordered + misrouted + altered + bounced == 0;
  }
};

/// Numbers messages in each pair, and finds what is lost, repeated, reordered or misrouted.
///
/// Memory: 16 bytes a pair, and for each message that is missing at the moment its key.
class Ledger {
 public:
  struct Example {
    std::string what;
    std::uint32_t from;
    std::uint32_t to;
    std::uint32_t number;
  };

  /// `partners` partners for each of `senders` from `first` on, to be told by set_partner().
  Ledger(std::uint32_t senders, std::uint32_t partners, std::uint32_t first = 0);

  void set_partner(std::uint32_t pair, std::uint32_t session) { recipients_[pair] = session; }
  [[nodiscard]] std::uint32_t pair_of(std::uint32_t sender, std::uint32_t partner) const {
    return (sender - first_) * partners_ + partner;
  }
  [[nodiscard]] std::uint32_t sender_of(std::uint32_t pair) const {
    return first_ + pair / partners_;
  }
  [[nodiscard]] std::uint32_t recipient_of(std::uint32_t pair) const { return recipients_[pair]; }
  /// The number of the pair's next message that is neither seen nor passed over.
  [[nodiscard]] std::uint32_t expected(std::uint32_t pair) const {
    return pair < pairs() ? expected_[pair] : 0;
  }
  [[nodiscard]] std::uint32_t pairs() const {
    return static_cast<std::uint32_t>(recipients_.size());
  }
  [[nodiscard]] std::uint32_t partners() const { return partners_; }

  /// The number of a message that is being written.
  std::uint32_t next_number(std::uint32_t pair) {
    ++counts_.sent;
    return sent_[pair]++;
  }
  /// A message came to `session`.
  Delivery delivered(std::uint32_t session, const MessageId& id) {
    if (id.pair < pairs() && recipients_[id.pair] == session && id.number == expected_[id.pair] &&
        id.number < sent_[id.pair]) [[likely]] {
      ++expected_[id.pair];
      ++counts_.delivered;
      return Delivery::in_order;
    }
    return judge(session, id);
  }
  /// A message came with another text than was sent.
  void note_altered(const MessageId& id);
  /// A message came back as an error.
  void note_bounced(const MessageId& id);
  /// Nothing will come any more: what is missing is lost.
  void settle();

  /// Messages sent and not seen; those that came back as errors are not awaited.
  [[nodiscard]] std::uint64_t under_way() const {
    return counts_.sent - counts_.delivered - counts_.bounced;
  }
  [[nodiscard]] const LedgerCounts& counts() const { return counts_; }
  [[nodiscard]] const std::vector<Example>& examples() const { return examples_; }

 private:
  static constexpr std::size_t kExamplesMax = 20;

  Delivery judge(std::uint32_t session, const MessageId& id);
  void note(const char* what, std::uint32_t pair, std::uint32_t to, std::uint32_t number);
  static std::uint64_t key(std::uint32_t pair, std::uint32_t number) {
    return std::uint64_t{pair} << 32 | number;
  }

  std::uint32_t partners_;
  std::uint32_t first_;
  std::vector<std::uint32_t> recipients_;
  std::vector<std::uint32_t> sent_;
  std::vector<std::uint32_t> expected_;
  std::unordered_set<std::uint64_t> missing_;  ///< Passed over, and perhaps still to come.
  LedgerCounts counts_;
  std::vector<Example> examples_;
};

}  // namespace rondel::load
