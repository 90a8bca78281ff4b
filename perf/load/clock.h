// Time in nanoseconds, and the due times of an open loop.
#pragma once

#include <cmath>
#include <cstdint>
#include <ctime>
#include <limits>

namespace rondel::load {

inline constexpr std::int64_t kSecond = 1'000'000'000;
inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

[[nodiscard]] inline std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

[[nodiscard]] inline std::int64_t to_ns(double seconds) {
  return static_cast<std::int64_t>(seconds * 1e9);
}

/// Numbers that are the same in every run of a seed (SplitMix64).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U + 1) {}

  std::uint64_t draw() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  /// Below `bound`.
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>((draw() >> 32) * bound >> 32);
  }
  /// From 0 to 1, without 1.
  double part() { return static_cast<double>(draw() >> 11) * 0x1.0p-53; }

 private:
  std::uint64_t state_;
};

/// When the events of an open loop are due, whether or not anybody keeps up.
class Schedule {
 public:
  /// No events at a rate of 0.
  Schedule(double per_second, bool is_poisson, std::uint64_t seed)
      : step_ns_(per_second > 0 ? 1e9 / per_second : 0), is_poisson_(is_poisson), dice_(seed) {}

  void start(std::int64_t now) {
    start_ns_ = now;
    due_ns_ = 0;
    advance();
  }
  void stop() { start_ns_ = kNever; }
  /// Of the next event; kNever when stopped.
  [[nodiscard]] std::int64_t next() const {
    return start_ns_ == kNever ? kNever : start_ns_ + static_cast<std::int64_t>(due_ns_);
  }
  /// Goes to the event after.
  std::int64_t take() {
    const std::int64_t due = next();
    advance();
    return due;
  }

 private:
  void advance() {
    if (step_ns_ == 0) {
      stop();
    } else {
      due_ns_ += is_poisson_ ? -std::log1p(-dice_.part()) * step_ns_ : step_ns_;
    }
  }

  double step_ns_;
  bool is_poisson_;
  Dice dice_;
  std::int64_t start_ns_ = kNever;
  double due_ns_ = 0;
};

}  // namespace rondel::load
