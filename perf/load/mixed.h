// A day's mix: most sessions idle, some chat, some change their presence, some come and go.
#pragma once

#include <cstdint>
#include <deque>

#include "perf/load/broadcasts.h"
#include "perf/load/clock.h"
#include "perf/load/messages.h"
#include "perf/load/scenario.h"

namespace rondel::load {

/// Of all sessions 60 % are idle (white space each minute), 30 % chat, 5 % change their presence
/// (each minute, to ten of those that chat), 5 % come and go (each half a minute).
class Mixed final : public Scenario {
 public:
  explicit Mixed(Crowd& crowd);

  [[nodiscard]] std::string_view unit() const override { return "message"; }
  [[nodiscard]] LoginWishes login_wishes() const override { return {true, true}; }
  [[nodiscard]] bool prepare(std::int64_t now) override;
  void start(std::int64_t now) override;
  std::int64_t turn(std::int64_t now) override;
  void stop() override;
  [[nodiscard]] bool is_drained() const override;
  void settle() override;
  void stanza(Connection& connection, std::string_view text, std::int64_t now) override;
  void gone(Connection& connection, bool is_wanted) override;
  [[nodiscard]] std::uint64_t work() const override {
    return messages_.ledger().counts().delivered;
  }
  [[nodiscard]] std::vector<const Ledger*> ledgers() const override {
    return {&messages_.ledger(), &broadcasts_.ledger()};
  }
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> bytes_written() const override;
  [[nodiscard]] std::vector<std::pair<std::string, double>> figures() const override;

 private:
  /// Who is what: chatting ones first, then leaders, then those that come and go, then idle ones.
  struct Parts {
    std::uint32_t chatting;
    std::uint32_t leaders;
    std::uint32_t restless;
    std::uint32_t idle;
  };
  static Parts parts_of(std::uint32_t users);
  static Broadcasts::Groups groups_of(const Parts& parts);

  void send_messages(std::int64_t now);
  void change_presence(std::int64_t now);
  void move_restless(std::int64_t now);
  void send_spaces(std::int64_t now);

  Crowd& crowd_;
  Parts parts_;
  Messages messages_;
  Broadcasts broadcasts_;
  Schedule message_schedule_;
  Schedule presence_schedule_;
  Schedule restless_schedule_;
  Schedule space_schedule_;
  Dice dice_;
  std::uint32_t next_space_ = 0;
  std::uint64_t spaces_ = 0;
  std::uint64_t reconnects_ = 0;
  bool is_running_ = false;
};

}  // namespace rondel::load
