#include "perf/load/scenario.h"

#include "base/check.h"
#include "perf/load/chat.h"
#include "perf/load/crowd.h"

namespace rondel::load {

std::unique_ptr<Scenario> make_scenario(Crowd& crowd) {
  const std::string& name = crowd.options().scenario;
  if (name == "chat") {
    return std::make_unique<Chat>(crowd);
  }
  RONDEL_CHECK(false);
  return nullptr;
}

}  // namespace rondel::load
