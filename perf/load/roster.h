// Large rosters: filled by the protocol, then asked for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "perf/load/clock.h"
#include "perf/load/scenario.h"

namespace rondel::load {

/// Each session asks for its roster: so many times a second over all, or so many under way each.
class Roster final : public Scenario {
 public:
  explicit Roster(Crowd& crowd);

  [[nodiscard]] std::string_view unit() const override { return "roster"; }
  [[nodiscard]] LoginWishes login_wishes() const override { return {false, false}; }
  [[nodiscard]] bool prepare(std::int64_t now) override;
  void start(std::int64_t now) override;
  std::int64_t turn(std::int64_t now) override;
  void stop() override;
  [[nodiscard]] bool is_drained() const override { return received_ + refused_ == asked_; }
  void settle() override;
  void stanza(Connection& connection, std::string_view text, std::int64_t now) override;
  [[nodiscard]] std::uint64_t work() const override { return received_; }
  [[nodiscard]] std::vector<std::pair<std::string, double>> figures() const override;

 private:
  void ask(Connection& session, std::int64_t due);
  void fill(std::uint32_t number, std::int64_t now);
  void add_item(std::uint32_t number);
  void take_result(Connection& session, std::string_view text, std::int64_t now);
  void take_added(std::uint32_t number, std::string_view type);

  Crowd& crowd_;
  Schedule schedule_;
  Dice dice_;
  bool is_running_ = false;
  bool is_preparing_ = false;
  std::int64_t zero_ns_;
  std::int64_t last_progress_ = 0;
  std::vector<std::uint32_t> added_;   ///< Contacts that each roster has, while it is filled.
  std::vector<std::string> versions_;  ///< That each session knows.
  std::vector<std::uint32_t> under_way_;
  std::vector<std::uint32_t> turns_;
  std::vector<std::uint32_t> working_;
  std::uint32_t filled_ = 0;  ///< Rosters that have all their contacts.
  std::uint32_t next_to_fill_ = 0;
  std::uint64_t asked_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t not_modified_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace rondel::load
