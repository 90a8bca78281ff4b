// How many sessions a shard has, and what carries their records.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace rondel::server {

/// Counters that are kept as sessions come, change and go, so that nobody walks a million of them.
///
/// Owner: the shard. Thread: the shard's. Limits: kEnginesMax names of record engines; a session of
/// another one counts with the last.
class SessionCounts {
 public:
  /// Where a session is counted; its stream keeps it.
  using Place = std::uint8_t;
  static constexpr Place kNowhere = 0;
  static constexpr std::size_t kEnginesMax = 32;

  struct Engine {
    std::string name;  ///< Of layers' info; empty: no layer.
    std::uint64_t sessions = 0;
  };

  /// A session that was counted at `old`, or nowhere, is carried by `engine` from now on.
  [[nodiscard]] Place move(Place old, std::string_view engine) {
    leave(old);
    const Place place = place_of(engine);
    ++engines_[place - 1U].sessions;
    ++total_;
    return place;
  }
  /// The session has ended; nothing if it was counted nowhere.
  void leave(Place place) {
    if (place != kNowhere) {
      RONDEL_ASSERT(engines_[place - 1U].sessions > 0);
      --engines_[place - 1U].sessions;
      --total_;
    }
  }

  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] const std::vector<Engine>& engines() const { return engines_; }

 private:
  Place place_of(std::string_view engine) {
    for (std::size_t i = 0; i < engines_.size(); ++i) {
      if (engines_[i].name == engine) {
        return static_cast<Place>(i + 1);
      }
    }
    if (engines_.size() < kEnginesMax) {
      engines_.push_back({std::string(engine), 0});
    }
    return static_cast<Place>(engines_.size());
  }

  std::vector<Engine> engines_;
  std::uint64_t total_ = 0;
};

}  // namespace rondel::server
