#include "base/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace rondel::base {

void TimerWheel::set(Timer& timer, std::uint64_t delay_ms) {
  constexpr std::uint64_t kRangeMs = (std::uint64_t{1} << (kLevels * kSlotBits)) - kSlots;
  timer.unlink();
  // The slot of the current millisecond has already been emptied: the earliest one is the next.
  timer.due_ms_ = now_ms_ + std::clamp<std::uint64_t>(delay_ms, 1, kRangeMs);
  place(timer);
}

void TimerWheel::place(Timer& timer) {
  // A timer stands on the level of the highest digit (base 256) in which its time differs from now.
  const std::uint64_t differing = timer.due_ms_ ^ now_ms_;
  int level = 0;
  while (level < kLevels - 1 && (differing >> (kSlotBits * (level + 1))) != 0) {
    ++level;
  }
  const std::uint64_t index = (timer.due_ms_ >> (kSlotBits * level)) & (kSlots - 1);
  slots_[static_cast<std::size_t>(level)][index].push_back(timer);
  if (level == 0) {
    may_be_set_[index / 64] |= std::uint64_t{1} << (index % 64);
  }
}

void TimerWheel::cascade(int level) {
  const std::uint64_t index = (now_ms_ >> (kSlotBits * level)) & (kSlots - 1);
  Slot due;
  due.take_all(slots_[static_cast<std::size_t>(level)][index]);
  while (!due.empty()) {
    place(due.pop_front());
  }
}

void TimerWheel::advance(std::uint64_t now_ms) {
  while (now_ms_ < now_ms) {
    ++now_ms_;
    for (int level = kLevels - 1; level > 0; --level) {
      if ((now_ms_ & ((std::uint64_t{1} << (kSlotBits * level)) - 1)) == 0) {
        cascade(level);
      }
    }
    const std::uint64_t index = now_ms_ & (kSlots - 1);
    may_be_set_[index / 64] &= ~(std::uint64_t{1} << (index % 64));
    Slot due;
    due.take_all(slots_[0][index]);
    while (!due.empty()) {
      due.pop_front().expired();
    }
  }
}

std::uint64_t TimerWheel::next_delay_ms(std::uint64_t bound_ms) const {
  // Looking further than the next turn of the lowest level would need the upper ones: stop there.
  const std::uint64_t turn = kSlots - (now_ms_ & (kSlots - 1));
  const std::uint64_t limit = std::min(bound_ms, turn);
  // Every turn of a loop asks: bits instead of up to 255 slots, none of which is warm.
  const std::uint64_t now = now_ms_ & (kSlots - 1);
  for (std::uint64_t index = now + 1; index < now + limit;) {
    std::uint64_t& word = may_be_set_[index / 64];
    const std::uint64_t ahead = word >> (index % 64);
    if (ahead == 0) {
      index = (index / 64 + 1) * 64;
      continue;
    }
    index += static_cast<std::uint64_t>(std::countr_zero(ahead));
    if (index >= now + limit) {
      break;
    }
    if (!slots_[0][index].empty()) {
      return index - now;
    }
    word &= ~(std::uint64_t{1} << (index % 64));
  }
  return limit;
}

}  // namespace rondel::base
