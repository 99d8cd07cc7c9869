// XNNPACK's options for one program, and what became of its packed cache.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "failure.h"

namespace runner {

// Where XNNPACK is to differ from its defaults.
struct Backend {
  bool weight_cache = false;                  // Packed weights by name, shared by the delegates of this process.
  std::string packed_cache;                   // The file that keeps them for the next process; implies the cache.
  bool fresh_packed_cache = false;            // Remove this file first, as if the program had just been installed.
  std::optional<int> workspace_sharing_mode;  // 0 each delegate has its own, 1 one for a program, 2 one for all.
};

// The file of the packed cache before and after a program was initialized; sizes are 0 where there is none.
struct PackedCache {
  int64_t bytes_before = 0;
  int64_t bytes = 0;
  bool mapped = false;  // Into this process: XNNPACK silently packs into the heap where it cannot use the file.
};

// Before: removes a file that is not wanted. Nothing where no packed cache is asked for.
MaybeFailure begin_packed_cache(const Backend& backend, std::optional<PackedCache>& cache);
void end_packed_cache(const Backend& backend, std::optional<PackedCache>& cache);

}  // namespace runner
