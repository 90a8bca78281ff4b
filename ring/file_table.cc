#include "ring/file_table.h"

#include <unistd.h>

#include "base/check.h"
#include "ring/kernel_ring.h"

namespace rondel::ring {

int FileTable::keep(KernelRing& kernel, int fd) {
  if (!is_made_ && places_max_ > 0) {
    is_made_ = kernel.try_make_file_table(places_max_);
    places_max_ = is_made_ ? places_max_ : 0;
  }
  if (free_.empty()) {
    if (uses_.size() >= places_max_) {
      return fd;
    }
    free_.push_back(static_cast<unsigned>(uses_.size()));
    uses_.push_back(0);
  }
  const unsigned place = free_.back();
  if (!kernel.try_set_file(place, fd)) {
    return fd;
  }
  free_.pop_back();
  uses_[place] = 0;
  ::close(fd);
  return kFirst + static_cast<int>(place);
}

bool FileTable::end(int fd) {
  std::uint8_t& uses = uses_[place_of(fd)];
  RONDEL_ASSERT((uses & ~kCloseWanted) > 0);
  --uses;
  return uses == kCloseWanted;
}

bool FileTable::try_close(int fd) {
  std::uint8_t& uses = uses_[place_of(fd)];
  RONDEL_ASSERT(!(uses & kCloseWanted));
  uses |= kCloseWanted;
  return uses == kCloseWanted;
}

}  // namespace rondel::ring
