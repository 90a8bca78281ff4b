#include "hooks/plan.h"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

namespace rondel::hooks {
namespace {

constexpr std::array<std::string_view, 4> kBandNames{"security", "normalize", "normal", "observe"};

std::string_view name(Band band) {
  return kBandNames[static_cast<std::size_t>(band)];
}

std::string traffic_text(TrafficSet traffic) {
  std::string text;
  for (std::size_t i = 0; i < kTrafficCount && !traffic.is_all(); ++i) {
    if (traffic.has(static_cast<Traffic>(i))) {
      text += fmt::format("{}{}", text.empty() ? " [" : ", ", to_text(static_cast<Traffic>(i)));
    }
  }
  return text.empty() ? text : text + "]";
}

/// True if `candidate` has to wait for one of `remaining`.
bool must_wait(const Registration& candidate, const std::vector<Registration>& remaining) {
  return !candidate.order.after.empty() &&
         std::any_of(remaining.begin(), remaining.end(), [&](const Registration& other) {
           return &other != &candidate && other.order.band == candidate.order.band &&
                  other.module == candidate.order.after;
         });
}

base::Result<std::vector<Registration>> ordered(std::vector<Registration> remaining) {
  std::stable_sort(remaining.begin(), remaining.end(),
                   [](const auto& a, const auto& b) { return a.order.band < b.order.band; });
  std::vector<Registration> result;
  while (!remaining.empty()) {
    const Band band = remaining.front().order.band;
    const auto free = std::find_if(remaining.begin(), remaining.end(), [&](const auto& candidate) {
      return candidate.order.band == band && !must_wait(candidate, remaining);
    });
    if (free == remaining.end()) {
      return base::Unexpected(base::Error(fmt::format(
          "hooks at {} stand in a circle: {} wants to come after {}, which comes after it",
          rules(remaining.front().point).name, remaining.front().module,
          remaining.front().order.after)));
    }
    result.push_back(std::move(*free));
    remaining.erase(free);
  }
  return result;
}

}  // namespace

void Plan::add(Registration registration) {
  registrations_[static_cast<std::size_t>(registration.point)].push_back(std::move(registration));
}

base::Result<void> Plan::freeze() {
  for (auto& registrations : registrations_) {
    RONDEL_TRY(registrations, ordered(std::move(registrations)));
  }
  return {};
}

std::string Plan::to_text() const {
  std::string text;
  for (std::size_t i = 0; i < kPointCount; ++i) {
    text += fmt::format("{}\n", kPointRules[i].name);
    for (const Registration& hook : registrations_[i]) {
      text += fmt::format("  {:<10} {}: {}", name(hook.order.band), hook.module, hook.name);
      if (!hook.order.after.empty()) {
        text += fmt::format(" (after {})", hook.order.after);
      }
      text += traffic_text(hook.order.traffic);
      text += '\n';
    }
    if (registrations_[i].empty()) {
      text += "  (nothing)\n";
    }
  }
  return text;
}

}  // namespace rondel::hooks
