// Timers of one thread: millisecond ticks, constant time to set and to cancel.
#pragma once

#include <array>
#include <cstdint>

#include "base/intrusive_list.h"

namespace rondel::base {

struct TimerTag;

/// Something that happens later; derive, or hold one in an object that outlives it.
///
/// Destroying a timer cancels it. Thread: the wheel's.
class Timer : public ListLink<TimerTag> {
 public:
  Timer() = default;
  virtual ~Timer() = default;

  [[nodiscard]] bool is_set() const { return is_linked(); }
  void cancel() { unlink(); }

 protected:
  /// Called once, on the wheel's thread; may set this timer again, or destroy it.
  virtual void expired() = 0;

 private:
  friend class TimerWheel;
  std::uint64_t due_ms_ = 0;
};

/// A timer that calls a member of its owner, which outlives it.
template <typename Owner, void (Owner::*kExpired)()>
class OwnedTimer final : public Timer {
 public:
  explicit OwnedTimer(Owner& owner) : owner_(owner) {}

 private:
  void expired() override { (owner_.*kExpired)(); }
  Owner& owner_;
};

/// A hierarchical wheel: four levels of 256 slots, 1 ms to 2^32 ms (49 days).
///
/// Units: milliseconds of the caller's clock. A longer delay is cut to the range.
class TimerWheel {
 public:
  explicit TimerWheel(std::uint64_t now_ms) : now_ms_(now_ms) {}

  /// Sets or moves `timer` to now + delay; a delay of 0 expires at the next advance.
  void set(Timer& timer, std::uint64_t delay_ms);
  /// Expires everything due until `now_ms`, in order of its time.
  void advance(std::uint64_t now_ms);
  /// Milliseconds until the wheel should be looked at again, at most `bound_ms`.
  ///
  /// Exact for timers before the next multiple of 256 ms; for later ones it names that moment,
  /// which is early.
  [[nodiscard]] std::uint64_t next_delay_ms(std::uint64_t bound_ms) const;
  [[nodiscard]] std::uint64_t now_ms() const { return now_ms_; }

 private:
  static constexpr int kLevels = 4;
  static constexpr int kSlotBits = 8;
  static constexpr int kSlots = 1 << kSlotBits;
  using Slot = IntrusiveList<Timer, TimerTag>;

  void place(Timer& timer);
  void cascade(int level);

  std::uint64_t now_ms_;
  std::array<std::array<Slot, kSlots>, kLevels> slots_;
  /// Of the lowest level: a clear bit means an empty slot; a set one may, too, as timers leave by
  /// themselves.
  mutable std::array<std::uint64_t, kSlots / 64> may_be_set_{};
};

}  // namespace rondel::base
