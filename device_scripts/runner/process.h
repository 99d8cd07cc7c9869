// What the kernel tells about this process.
#pragma once

#include <cstdint>
#include <string>

namespace runner {

// A size line of /proc/self/status such as `VmRSS` or `VmHWM`, in bytes; 0 when the line is missing.
int64_t status_bytes(const char* name);

// The CPUs this process may run on, as the kernel lists them: `0-3,5`.
std::string cpus_allowed();

// Threads of this process, the main one included.
int count_tasks();

}  // namespace runner
