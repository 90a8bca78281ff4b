// A frozen row of hooks at one point: built at start, immutable, run by one small loop.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "hooks/point.h"
#include "hooks/traffic.h"
#include "hooks/verdict.h"

namespace rondel::hooks {

/// One hook on one shard: a function and the shard's state of the module that registered it.
struct Entry {
  using Function = Verdict (*)(void* state, void* context);
  Function function;
  void* state;
};

/// The hooks of one point on one shard, in their final order.
///
/// An empty chain costs one load and one branch. Thread: the shard's. Owner: the shard.
template <class Context, Point kPoint>
class Chain {
 public:
  Chain() = default;
  explicit Chain(std::vector<Entry> entries) : entries_(std::move(entries)) {}

  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  /// Runs the hooks from the first, until one answers something else than `next`.
  Verdict run(Context& context) const {
    return entries_.empty() ? Verdict::next() : run_from(context, 0);
  }

  /// Goes on behind the hook at `index`, which has suspended.
  ///
  /// `context.stopped_at` tells after `suspend` where that is.
  Verdict run_from(Context& context, std::size_t index) const {
    for (; index < entries_.size(); ++index) {
      const Verdict verdict = entries_[index].function(entries_[index].state, &context);
      if (!verdict.is_next()) [[unlikely]] {
        RONDEL_ASSERT(is_allowed(verdict));
        if (is_allowed(verdict)) {
          context.stopped_at = index;
          return verdict;
        }
      }
    }
    return Verdict::next();
  }

 private:
  static constexpr bool is_allowed(Verdict verdict) {
    switch (verdict.kind()) {
      case Verdict::Kind::next:
        return true;
      case Verdict::Kind::handled:
        return rules(kPoint).may_handle;
      case Verdict::Kind::reject:
        return rules(kPoint).may_reject;
      case Verdict::Kind::suspend:
        return rules(kPoint).may_suspend;
    }
    return false;
  }

  std::vector<Entry> entries_;
};

/// The hooks of one point that stanzas pass: a chain for each kind of traffic.
template <class Context, Point kPoint>
class TrafficChains {
 public:
  TrafficChains() = default;
  explicit TrafficChains(std::array<std::vector<Entry>, kTrafficCount> entries) {
    for (std::size_t i = 0; i < kTrafficCount; ++i) {
      chains_[i] = Chain<Context, kPoint>(std::move(entries[i]));
    }
  }

  [[nodiscard]] const Chain<Context, kPoint>& of(Traffic traffic) const {
    return chains_[static_cast<std::size_t>(traffic)];
  }

 private:
  std::array<Chain<Context, kPoint>, kTrafficCount> chains_;
};

}  // namespace rondel::hooks
