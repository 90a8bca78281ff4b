// What arenas ask of the allocator. The address sanitizer's builds keep no blocks, and replace the
// allocator themselves.
#if !defined(__SANITIZE_ADDRESS__)
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <gtest/gtest.h>
#include <new>
#include <vector>

#include "xml/arena.h"

namespace {
std::atomic<std::size_t> blocks_allocated{0};
}  // namespace

void* operator new(std::size_t size, std::align_val_t align) {
  ++blocks_allocated;
  const auto alignment = static_cast<std::size_t>(align);
  void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  return memory != nullptr ? memory : throw std::bad_alloc();
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace rondel::xml {
namespace {

void fill(std::size_t stanzas) {
  std::vector<Arena> crowd(stanzas);
  for (Arena& arena : crowd) {
    static_cast<void>(arena.allocate(700, 16));
  }
}

TEST(ArenaCache, KeepsTheBlocksOfAsManyStanzasAsCrossInATurn) {
  constexpr std::size_t kCrowd = 1000;
  fill(kCrowd);
  const std::size_t before = blocks_allocated;
  fill(kCrowd);
  EXPECT_EQ(blocks_allocated, before);
}

TEST(ArenaCache, KeepsNoMoreThanItsBound) {
  constexpr std::size_t kCrowd = 4000;
  fill(kCrowd);
  const std::size_t before = blocks_allocated;
  fill(kCrowd);
  EXPECT_GE(blocks_allocated - before, kCrowd - 1024);
}

}  // namespace
}  // namespace rondel::xml
#endif
