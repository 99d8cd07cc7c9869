// Where the work may run: CPU affinity and the size of ExecuTorch's thread pool.
#pragma once

#include <string>

#include "failure.h"

namespace runner {

// Binds this process to `cpus` (`0-3,5`). To be called before any thread exists: threads inherit it.
MaybeFailure pin_to_cpus(const std::string& cpus);

// Gives the pool exactly `threads` threads, the calling one included.
MaybeFailure set_threads(int threads);

}  // namespace runner
