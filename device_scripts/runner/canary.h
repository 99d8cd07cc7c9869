// A kernel of known cost: how fast the core is now, whatever model comes after it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace runner {

// A chain of `operations` multiplications, each of which needs the one before: no memory, no vector units.
void spin(size_t operations);

// The fastest of many short runs of a fixed number of operations, in nanoseconds. It follows the core's frequency and
// nothing else, and the fastest run was not interrupted.
int64_t time_canary();

}  // namespace runner
