#include "perf/load/undisturbed.h"

#include <algorithm>

namespace rondel::load {

void Stretches::add(std::int64_t from, std::int64_t until) {
  const auto first = std::lower_bound(
      stretches_.begin(), stretches_.end(), from,
      [](const Stall& stretch, std::int64_t moment) { return stretch.until < moment; });
  auto last = first;
  for (; last != stretches_.end() && last->from <= until; ++last) {
    from = std::min(from, last->from);
    until = std::max(until, last->until);
  }
  stretches_.insert(stretches_.erase(first, last), {from, until});
}

bool Stretches::contains(std::int64_t moment) const {
  const auto found =
      std::lower_bound(stretches_.begin(), stretches_.end(), moment,
                       [](const Stall& stretch, std::int64_t at) { return stretch.until < at; });
  return found != stretches_.end() && found->from <= moment;
}

void UndisturbedLatency::note(const Stall& stall) {
  stalls_.push_back(stall);
  const bool is_endless = stall.until == kNever;
  const std::int64_t after = std::max(kAfterNs, kAfterTimes * (stall.until - stall.from));
  disturbed_.add(stall.from - kBeforeNs, is_endless ? kNever : stall.until + after);
}

void UndisturbedLatency::judge_first() {
  const Event& event = waiting_.front();
  if (disturbed_.contains(event.due)) {
    ++left_out_;
  } else {
    latency_.add(event.taken);
  }
  waiting_.pop_front();
}

}  // namespace rondel::load
