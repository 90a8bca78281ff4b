#include "xml/arena.h"

#include <cstring>
#include <new>

#include "base/check.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define RONDEL_ARENA_NO_CACHE 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define RONDEL_ARENA_NO_CACHE 1
#endif

namespace rondel::xml {

struct alignas(16) Arena::Block {
  Block* next;
  std::size_t size;  // header included
};

namespace {

// The first block of a stanza is small, as most stanzas are; those behind it hold more at once.
constexpr std::size_t kSmallBlockBytes = 2 * 1024;
constexpr std::size_t kBigBlockBytes = 8 * 1024;
#ifdef RONDEL_ARENA_NO_CACHE
// The address sanitizer finds a use of a dead stanza only when its memory really goes.
constexpr std::size_t kSmallBlocksMax = 0;
constexpr std::size_t kBigBlocksMax = 0;
#else
// Stanzas that go to another thread leave in crowds, and come so from there: what one turn of a
// busy shard sends and receives is to find its blocks here.
constexpr std::size_t kSmallBlocksMax = 1024;
constexpr std::size_t kBigBlocksMax = 64;
#endif

/// Free blocks of one size; the link lies in the block itself.
struct FreeList {
  void* first;
  std::size_t count;
  std::size_t count_max;
};

/// No destructor of its own: an arena may die after the thread's other thread-local objects.
struct BlockCache {
  FreeList small;
  FreeList big;
  bool is_closed;
};
constinit thread_local BlockCache cache{
    {nullptr, 0, kSmallBlocksMax}, {nullptr, 0, kBigBlocksMax}, false};

void drain(FreeList& list) {
  while (list.first != nullptr) {
    void* block = list.first;
    std::memcpy(&list.first, block, sizeof(void*));
    ::operator delete(block, std::align_val_t{16});
  }
  list.count = 0;
}

/// Empties the cache when the thread ends, and keeps it empty.
struct CacheCloser {
  ~CacheCloser() {
    drain(cache.small);
    drain(cache.big);
    cache.is_closed = true;
  }
  bool is_armed = false;
};
thread_local CacheCloser closer;

FreeList* list_for(std::size_t size) {
  if (size == kSmallBlockBytes) {
    return &cache.small;
  }
  return size == kBigBlockBytes ? &cache.big : nullptr;
}

void* take(std::size_t size) {
  FreeList* list = list_for(size);
  if (list != nullptr && list->first != nullptr) {
    void* block = list->first;
    std::memcpy(&list->first, block, sizeof(void*));
    --list->count;
    // Whoever freed the next one may have had it on another core: its lines come while this one is
    // filled.
    if (list->first != nullptr) {
      base::prefetch_to_write(list->first, Arena::kUsualBytes);
    }
    return block;
  }
  return ::operator new(size, std::align_val_t{16});
}

void give_back(void* block, std::size_t size) {
  FreeList* list = list_for(size);
  if (list == nullptr || cache.is_closed || list->count >= list->count_max) {
    ::operator delete(block, std::align_val_t{16});
    return;
  }
  closer.is_armed = true;  // the first touch registers its destructor
  std::memcpy(block, &list->first, sizeof(void*));
  list->first = block;
  ++list->count;
}

}  // namespace

void* Arena::allocate_from_new_block(std::size_t bytes) {
  const std::size_t usual = blocks_ == nullptr ? kSmallBlockBytes : kBigBlockBytes;
  std::size_t size = usual;
  if (bytes + sizeof(Block) > usual) {
    size = bytes + sizeof(Block) > kBigBlockBytes ? bytes + sizeof(Block) : kBigBlockBytes;
  }
  auto* block = new (take(size)) Block{blocks_, size};
  blocks_ = block;
  auto* begin = reinterpret_cast<std::byte*>(block + 1);
  auto* end = reinterpret_cast<std::byte*>(block) + size;
  // A block made for one long string leaves the one in use as it is.
  if (static_cast<std::size_t>(end - (begin + bytes)) >= static_cast<std::size_t>(end_ - cursor_)) {
    cursor_ = begin + bytes;
    end_ = end;
  }
  return begin;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) {
    return {};
  }
  auto* to = static_cast<char*>(allocate(text.size(), 1));
  std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

void Arena::release_blocks() {
  while (blocks_ != nullptr) {
    Block* block = blocks_;
    blocks_ = block->next;
    give_back(block, block->size);
  }
  cursor_ = end_ = nullptr;
}

std::size_t Arena::bytes_held() const {
  std::size_t held = 0;
  for (const Block* block = blocks_; block != nullptr; block = block->next) {
    held += block->size;
  }
  return held;
}

}  // namespace rondel::xml
