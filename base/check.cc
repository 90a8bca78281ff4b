#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace rondel::base {

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
  std::abort();
}

}  // namespace rondel::base
