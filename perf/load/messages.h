// Chat messages as clients send them: written from texts, read by their ids.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "perf/load/ledger.h"
#include "perf/load/texts.h"

namespace rondel::load {

class Connection;
class Crowd;

/// Writes messages into connections, and accounts for those that come.
class Messages {
 public:
  /// Sessions [first, first + count) write to `partners` each: with 1 they are pairs, else drawn.
  Messages(Crowd& crowd, std::uint32_t first, std::uint32_t count, std::uint32_t partners);

  void write(Connection& sender, std::uint32_t pair, std::int64_t due);

  struct Read {
    bool is_ours = false;
    MessageId id;
    std::uint32_t advance = 0;  ///< How many of the pair are not awaited any more.
  };
  /// A stanza came at `now`; anything but a message of this run is none of ours.
  Read read(Connection& recipient, std::string_view text, std::int64_t now);

  [[nodiscard]] Ledger& ledger() { return ledger_; }
  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  /// Bytes of messages written, and of their texts.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> bytes_written() const {
    return {stanza_bytes_, text_bytes_};
  }
  [[nodiscard]] std::int64_t last_delivery() const { return last_delivery_; }

 private:
  static std::uint64_t text_number(const MessageId& id) {
    return std::uint64_t{id.pair} * 31 + id.number;
  }

  Crowd& crowd_;
  Ledger ledger_;
  Texts texts_;
  std::uint16_t run_;
  std::int64_t zero_ns_;
  std::int64_t last_delivery_ = 0;
  std::uint64_t stanza_bytes_ = 0;
  std::uint64_t text_bytes_ = 0;
};

}  // namespace rondel::load
