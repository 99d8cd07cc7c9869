#include "scheduling.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace runner {
namespace {

// include/uapi/linux/sched/types.h as of Linux 5.3, which added the last two fields; the C library has no such struct.
struct SchedAttr {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
  uint32_t util_min;
  uint32_t util_max;
};

void add_reason(Scheduling& found, const std::string& reason) {
  found.unavailable += (found.unavailable.empty() ? "" : "; ") + reason;
}

// The lines of a file of /proc joined by blanks; other bytes than ASCII, which a group's name may hold, become `?`.
std::string read_lines(const char* path, Scheduling& found) {
  errno = 0;
  std::ifstream file(path);
  std::string text;
  for (std::string line; std::getline(file, line);) text += (text.empty() ? "" : " ") + line;
  for (char& c : text) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  if (text.empty()) add_reason(found, std::string(path) + ": " + (errno ? std::strerror(errno) : "empty"));
  return text;
}

void read_uclamp(Scheduling& found) {
  SchedAttr attributes{};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) {
    add_reason(found, std::string("uclamp: sched_getattr: ") + std::strerror(errno));
  } else if (attributes.util_max == 0) {
    // Without CONFIG_UCLAMP_TASK the kernel leaves both at 0; with it the maximum is 1024 unless it was lowered.
    add_reason(found, "uclamp: the kernel has none");
  } else {
    found.uclamp_min = attributes.util_min;
    found.uclamp_max = attributes.util_max;
  }
}

}  // namespace

Scheduling read_scheduling() {
  Scheduling found;
  found.cgroup = read_lines("/proc/self/cgroup", found);
  found.cpuset = read_lines("/proc/self/cpuset", found);
  const std::string adjustment = read_lines("/proc/self/oom_score_adj", found);
  if (!adjustment.empty()) found.oom_score_adj = std::strtoll(adjustment.c_str(), nullptr, 10);
  read_uclamp(found);
  const int slack = prctl(PR_GET_TIMERSLACK);
  if (slack >= 0) {
    found.timer_slack_ns = slack;
  } else {
    add_reason(found, std::string("timer_slack_ns: prctl: ") + std::strerror(errno));
  }
  errno = 0;  // -1 is also a nice value.
  const int nice = getpriority(PRIO_PROCESS, 0);
  if (errno == 0) {
    found.nice = nice;
  } else {
    add_reason(found, std::string("nice: getpriority: ") + std::strerror(errno));
  }
  return found;
}

}  // namespace runner
