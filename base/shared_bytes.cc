#include "base/shared_bytes.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace rondel::base {

SharedBytes SharedBytes::copy_of(std::string_view bytes) {
  SharedBytes result;
  void* memory = ::operator new(sizeof(Block) + bytes.size());
  result.block_ = new (memory) Block{{1}, bytes.size()};
  if (!bytes.empty()) {
    std::memcpy(static_cast<void*>(result.block_ + 1), bytes.data(), bytes.size());
  }
  return result;
}

void SharedBytes::release() {
  if (block_ && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    block_->~Block();
    ::operator delete(block_);
  }
  block_ = nullptr;
}

}  // namespace rondel::base
