#include "base/byte_buffer.h"

#include <algorithm>
#include <limits>

namespace rondel::base {

void ByteBuffer::grow(std::size_t count) {
  const std::size_t used = size();
  // Bytes consumed at the front are room, too, as long as moving down is cheaper than copying.
  if (begin_ >= used && capacity_ - used >= count) {
    std::memmove(data_.get(), data_.get() + begin_, used);
  } else {
    const std::size_t wanted =
        std::max({std::size_t{512}, std::size_t{capacity_} * 2, used + count});
    RONDEL_CHECK(wanted <= std::numeric_limits<std::uint32_t>::max());
    auto larger = std::make_unique_for_overwrite<std::byte[]>(wanted);
    if (used > 0) {
      std::memcpy(larger.get(), data_.get() + begin_, used);
    }
    data_ = std::move(larger);
    capacity_ = static_cast<std::uint32_t>(wanted);
  }
  begin_ = 0;
  end_ = static_cast<std::uint32_t>(used);
}

}  // namespace rondel::base
