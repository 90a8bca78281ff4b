// Sessions that come and go: a login and a clean end (`login`), or some by reset (`churn`).
#pragma once

#include <cstdint>
#include <deque>

#include "perf/load/clock.h"
#include "perf/load/scenario.h"

namespace rondel::load {

/// Logs accounts in and out in turns: so many at a time, or so many a second.
class Logins final : public Scenario {
 public:
  /// `is_churn`: with roster and presence, and some leave by reset.
  Logins(Crowd& crowd, bool is_churn);

  [[nodiscard]] std::string_view unit() const override { return is_churn_ ? "session" : "login"; }
  [[nodiscard]] LoginWishes login_wishes() const override { return {is_churn_, is_churn_}; }
  [[nodiscard]] bool needs_sessions() const override { return false; }
  [[nodiscard]] bool prepare(std::int64_t now) override;
  void start(std::int64_t now) override;
  std::int64_t turn(std::int64_t now) override;
  void stop() override;
  [[nodiscard]] bool is_drained() const override { return under_way_ == 0; }
  void ready(Connection& connection) override;
  void stanza(Connection&, std::string_view, std::int64_t) override {}
  void gone(Connection& connection, bool is_wanted) override;
  [[nodiscard]] std::uint64_t work() const override { return done_; }
  [[nodiscard]] std::vector<std::pair<std::string, double>> figures() const override;

 private:
  void begin_one(std::int64_t due);

  Crowd& crowd_;
  bool is_churn_;
  Schedule schedule_;
  Dice dice_;
  std::deque<std::uint32_t> free_;  ///< Accounts without a session.
  std::uint32_t to_prepare_ = 0;    ///< Accounts that have not logged in for the first time.
  std::uint32_t under_way_ = 0;
  bool is_running_ = false;
  std::uint64_t done_ = 0;
};

}  // namespace rondel::load
