// The one clock of every figure in the report.
#pragma once

#include <time.h>

#include <cstdint>

namespace runner {

// CLOCK_MONOTONIC in nanoseconds: never set back, and read without entering the kernel where there is a vDSO.
inline int64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace runner
