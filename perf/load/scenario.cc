#include "perf/load/scenario.h"

#include "base/check.h"
#include "perf/load/chat.h"
#include "perf/load/crowd.h"
#include "perf/load/idle.h"
#include "perf/load/logins.h"
#include "perf/load/mixed.h"
#include "perf/load/presence.h"
#include "perf/load/roster.h"

namespace rondel::load {

std::string plural(std::string_view unit) {
  return unit.ends_with('y') ? std::string(unit.substr(0, unit.size() - 1)) + "ies"
                             : std::string(unit) + "s";
}

std::unique_ptr<Scenario> make_scenario(Crowd& crowd) {
  const std::string& name = crowd.options().scenario;
  if (name == "chat") {
    return std::make_unique<Chat>(crowd);
  }
  if (name == "login" || name == "churn") {
    return std::make_unique<Logins>(crowd, name == "churn");
  }
  if (name == "idle") {
    return std::make_unique<Idle>(crowd);
  }
  if (name == "presence") {
    return std::make_unique<Presence>(crowd);
  }
  if (name == "roster") {
    return std::make_unique<Roster>(crowd);
  }
  RONDEL_CHECK(name == "mixed");
  return std::make_unique<Mixed>(crowd);
}

}  // namespace rondel::load
