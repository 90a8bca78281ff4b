// Sessions that say nothing but white space now and then.
#pragma once

#include <cstdint>

#include "perf/load/clock.h"
#include "perf/load/scenario.h"

namespace rondel::load {

/// What is there costs memory, and white-space pings cost time. In the end every session must
/// answer a ping: the figures of sessions that are gone are worth nothing.
class Idle final : public Scenario {
 public:
  explicit Idle(Crowd& crowd);

  [[nodiscard]] std::string_view unit() const override { return "idle session"; }
  [[nodiscard]] LoginWishes login_wishes() const override { return {true, true}; }
  void start(std::int64_t now) override;
  std::int64_t turn(std::int64_t now) override;
  void stop() override;
  [[nodiscard]] bool is_drained() const override;
  void settle() override;
  void stanza(Connection& connection, std::string_view text, std::int64_t now) override;
  [[nodiscard]] std::uint64_t work() const override { return 0; }
  [[nodiscard]] std::vector<std::pair<std::string, double>> figures() const override;

 private:
  Crowd& crowd_;
  Schedule schedule_;
  std::uint32_t next_ = 0;
  std::uint64_t spaces_ = 0;
  bool is_asking_ = false;
  std::uint32_t asked_ = 0;  ///< Sessions that were asked, or are gone.
  std::uint32_t questions_ = 0;
  std::uint32_t answers_ = 0;
};

}  // namespace rondel::load
