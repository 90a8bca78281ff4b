// Conversations: an open loop at a rate, or a closed one with a window.
#pragma once

#include <cstdint>
#include <vector>

#include "perf/load/clock.h"
#include "perf/load/messages.h"
#include "perf/load/scenario.h"

namespace rondel::load {

/// Sends messages between sessions, and hears them.
class Chat final : public Scenario {
 public:
  explicit Chat(Crowd& crowd);

  [[nodiscard]] std::string_view unit() const override { return "message"; }
  void start(std::int64_t now) override;
  std::int64_t turn(std::int64_t now) override;
  void stop() override;
  [[nodiscard]] bool is_drained() const override { return messages_.ledger().under_way() == 0; }
  void settle() override { messages_.ledger().settle(); }
  void ready(Connection& connection) override;
  void stanza(Connection& connection, std::string_view text, std::int64_t now) override;
  [[nodiscard]] std::uint64_t work() const override {
    return messages_.ledger().counts().delivered;
  }
  [[nodiscard]] std::vector<const Ledger*> ledgers() const override {
    return {&messages_.ledger()};
  }
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> bytes_written() const override {
    return messages_.bytes_written();
  }

 private:
  [[nodiscard]] bool is_open_loop() const { return rate_ > 0; }
  void send(std::uint32_t sender, std::int64_t due);
  void fill(std::uint32_t sender, std::int64_t now);
  void want_turn(std::uint32_t sender);
  void write_off_stalled(std::int64_t now);

  Crowd& crowd_;
  Messages messages_;
  double rate_;
  unsigned window_;
  unsigned pipeline_;
  Schedule schedule_;
  Dice dice_;
  bool is_running_ = false;
  std::vector<std::uint32_t> under_way_;  ///< Of each sender, in a closed loop.
  std::vector<bool> has_moved_;           ///< Since the last look for stalled senders.
  std::vector<bool> is_waiting_;          ///< In turns_.
  std::vector<std::uint32_t> turns_;      ///< Senders that may have room.
  std::vector<std::uint32_t> working_;
  std::int64_t next_look_ = kNever;
};

}  // namespace rondel::load
