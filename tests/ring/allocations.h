// Counts what this test program allocates.
#pragma once

#include <cstddef>

namespace rondel::tests {

/// Calls of operator new so far, in all threads.
std::size_t allocations();

}  // namespace rondel::tests
