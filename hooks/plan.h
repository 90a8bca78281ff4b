// Who stands at which point, and in which order; decided once, at start.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/result.h"
#include "hooks/chain.h"
#include "hooks/point.h"
#include "hooks/traffic.h"

namespace rondel::hooks {

/// Bands run in this order; a hook says what it is for, not a number.
enum class Band : std::uint8_t {
  security,   ///< May refuse: address lists, blocking, rate limits.
  normalize,  ///< Makes the thing canonical: strips forged ids, fills in what is missing.
  normal,     ///< Acts.
  observe,    ///< Only looks: archives, counters.
};

/// Where in its point's chain a hook wants to stand.
struct Order {
  Band band = Band::normal;
  std::string after{};  ///< A module whose hooks of the same band come first; empty: none.
  /// What it wants to see; counts at after-interface, before-process, after-process, before-send.
  TrafficSet traffic{};
};

/// A hook as it was registered.
struct Registration {
  Point point;
  std::string module;  ///< Its owner.
  std::string name;    ///< What it does, for `--print-hooks`.
  Order order;
  Entry::Function function;
};

/// All registrations, and their order once frozen.
///
/// Order: band, then `after`, then the order of registration, which is that of the configuration.
/// Thread: start-up.
class Plan {
 public:
  void add(Registration registration);
  /// Settles the order. Errors: modules that stand after each other in a circle, named.
  [[nodiscard]] base::Result<void> freeze();
  [[nodiscard]] const std::vector<Registration>& at(Point point) const {
    return registrations_[static_cast<std::size_t>(point)];
  }
  /// One line for each point, one for each hook on it.
  [[nodiscard]] std::string to_text() const;

 private:
  std::array<std::vector<Registration>, kPointCount> registrations_;
};

}  // namespace rondel::hooks
