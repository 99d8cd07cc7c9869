// Where the work may run: CPU affinity, and how many threads the runtime uses.
#pragma once

#include <string>

#include "failure.h"

namespace runner {

// Binds this process to `cpus` (`0-3,5`). To be called before any thread exists: threads inherit it.
MaybeFailure pin_to_cpus(const std::string& cpus);

// The runtime computes with exactly `threads` threads, the calling one included. To be called before a model is loaded.
MaybeFailure set_threads(int threads);

}  // namespace runner
