// The one clock of every time in the report, and the one of /proc/uptime beside it.
#pragma once

#include <time.h>

#include <cerrno>
#include <cstdint>

namespace runner {

// CLOCK_MONOTONIC in nanoseconds: never set back, and read without entering the kernel where there is a vDSO.
inline int64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// CLOCK_BOOTTIME, the clock of /proc/uptime: it goes on while the device is suspended.
inline int64_t uptime_ns() {
  timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Returns at `due_ns` of that clock or later, at once when that has passed.
inline void sleep_until_ns(int64_t due_ns) {
  const timespec due = {static_cast<time_t>(due_ns / 1'000'000'000), static_cast<long>(due_ns % 1'000'000'000)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, nullptr) == EINTR) {
  }
}

}  // namespace runner
