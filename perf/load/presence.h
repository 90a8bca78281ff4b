// Broadcasts of presence to many contacts.
#pragma once

#include <cstdint>
#include <vector>

#include "perf/load/broadcasts.h"
#include "perf/load/clock.h"
#include "perf/load/scenario.h"

namespace rondel::load {

/// Leaders broadcast: a number of them a second, or each when all copies of its last one are there.
class Presence final : public Scenario {
 public:
  explicit Presence(Crowd& crowd);

  [[nodiscard]] std::string_view unit() const override { return "copy"; }
  [[nodiscard]] LoginWishes login_wishes() const override { return {true, true}; }
  [[nodiscard]] bool prepare(std::int64_t now) override;
  void start(std::int64_t now) override;
  std::int64_t turn(std::int64_t now) override;
  void stop() override;
  [[nodiscard]] bool is_drained() const override { return broadcasts_.ledger().under_way() == 0; }
  void settle() override { broadcasts_.ledger().settle(); }
  void stanza(Connection& connection, std::string_view text, std::int64_t now) override;
  [[nodiscard]] std::uint64_t work() const override {
    return broadcasts_.ledger().counts().delivered;
  }
  [[nodiscard]] std::vector<const Ledger*> ledgers() const override {
    return {&broadcasts_.ledger()};
  }
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> bytes_written() const override {
    return broadcasts_.bytes_written();
  }
  [[nodiscard]] std::vector<std::pair<std::string, double>> figures() const override;

 private:
  void fill(std::uint32_t group, std::int64_t now);

  Crowd& crowd_;
  Broadcasts broadcasts_;
  Schedule schedule_;
  Dice dice_;
  bool is_running_ = false;
  std::vector<std::uint32_t> under_way_;  ///< Copies of each group, in a closed loop.
  std::vector<std::uint32_t> turns_;      ///< Groups that may send.
  std::vector<std::uint32_t> working_;
  std::int64_t last_progress_ = 0;
};

}  // namespace rondel::load
