// How the kernel schedules this process: what a shell's process has, and an app's need not have.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace runner {

struct Scheduling {
  std::string cgroup;  // The lines of /proc/self/cgroup; empty where unreadable, as cpuset is.
  std::string cpuset;
  std::optional<int64_t> uclamp_min;  // Of 1024, as asked for this task itself.
  std::optional<int64_t> uclamp_max;
  std::optional<int64_t> oom_score_adj;
  std::optional<int64_t> timer_slack_ns;
  std::optional<int64_t> nice;
  std::string unavailable;  // Why some are missing; empty when all are there.
};

Scheduling read_scheduling();

}  // namespace runner
