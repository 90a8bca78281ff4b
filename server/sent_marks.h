// Who wants to hear that the kernel has taken what a connection wrote.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>

#include "base/unique_function.h"

namespace rondel::server {

/// Places in what a connection writes, in order, each with somebody to tell.
///
/// Owner: the connection, while there are any. Limits: one for each stanza in an output buffer,
/// which is bounded.
class SentMarks {
 public:
  /// True: the kernel has it; false: the connection was lost before.
  using Told = base::UniqueFunction<void(bool is_sent)>;

  /// Units: stream bytes since the connection began.
  void add(std::uint64_t end, Told told) { marks_.push_back({end, std::move(told)}); }
  [[nodiscard]] bool empty() const { return marks_.empty(); }
  /// Takes out the first one whose place is not behind `end`; empty if there is none.
  [[nodiscard]] Told take(std::uint64_t end) {
    if (marks_.empty() || marks_.front().end > end) {
      return {};
    }
    Told told = std::move(marks_.front().told);
    marks_.pop_front();
    return told;
  }

 private:
  struct Mark {
    std::uint64_t end;
    Told told;
  };
  std::deque<Mark> marks_;
};

}  // namespace rondel::server
