// The way back to a shard from a thread that is none.
#pragma once

#include <memory>

#include "base/mpsc_queue.h"

namespace rondel::base {

/// Work that a worker thread hands back; run() happens on the shard.
struct Completion : MpscNode {
  virtual void run() = 0;
};

/// Posts finished work to one shard and wakes it.
///
/// Thread: any. The shard runs completions in each loop turn, in the order of each poster.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void post_completion(std::unique_ptr<Completion> completion) = 0;
};

}  // namespace rondel::base
