// A kernel of known cost: how fast the core is now, whatever model comes after it.
#pragma once

#include <cstdint>

namespace runner {

// The fastest of many short runs of a fixed chain of dependent integer operations, in nanoseconds. It follows the
// core's frequency and nothing else: no memory, no vector units, and the fastest run was not interrupted.
int64_t time_canary();

}  // namespace runner
