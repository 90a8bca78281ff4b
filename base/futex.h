// Sleeping on a word of memory until another thread of the process wakes it.
#pragma once

#include <atomic>
#include <cstdint>

namespace rondel::base {

/// Sleeps while `word` is `value`; may return without a reason.
///
/// Thread: any but a shard's.
void futex_wait_blocking(const std::atomic<std::uint32_t>& word, std::uint32_t value);

/// Wakes one thread that sleeps on `word`, if there is any. A system call in any case.
void futex_wake_one(const std::atomic<std::uint32_t>& word);

}  // namespace rondel::base
