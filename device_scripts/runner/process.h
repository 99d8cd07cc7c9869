// Facts about this process from the kernel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace runner {

// A size line of /proc/self/status such as `VmRSS` or `VmHWM`, in bytes; nothing where it cannot be read.
std::optional<int64_t> status_bytes(const char* name);

// The kernel's sums over all mappings of this process. Reading them walks every page: not while timing.
struct Rollup {
  int64_t pss_bytes = 0;  // Shared pages counted in parts; what Android's `dumpsys meminfo` adds up to TOTAL PSS.
  int64_t private_dirty_bytes = 0;
};

// From /proc/self/smaps_rollup; nothing, with errno set, where that cannot be read.
std::optional<Rollup> read_rollup();

// The CPUs this process may run on, as the kernel lists them: `0-3,5`.
std::string cpus_allowed();

// Threads of this process, the main one included; nothing where they cannot be listed.
std::optional<int> count_tasks();

}  // namespace runner
