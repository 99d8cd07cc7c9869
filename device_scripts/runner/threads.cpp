#include "threads.h"

#include <sched.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "process.h"

namespace runner {
namespace {

Failure refusal(std::string message) {
  return {ExitCode::kThreadsOrAffinity, std::move(message)};
}

// Reads a CPU number at `text` and moves past it; -1 when there is none.
int read_cpu(const char*& text) {
  if (*text < '0' || *text > '9') {
    return -1;
  }
  char* end = nullptr;
  const long cpu = std::strtol(text, &end, 10);
  text = end;
  return cpu < CPU_SETSIZE ? static_cast<int>(cpu) : -1;
}

bool parse_cpu_list(const std::string& list, cpu_set_t& cpus) {
  CPU_ZERO(&cpus);
  const char* text = list.c_str();
  for (;;) {
    const int first = read_cpu(text);
    int last = first;
    if (*text == '-') {
      last = read_cpu(++text);
    }
    if (first < 0 || last < first) {
      return false;
    }
    for (int cpu = first; cpu <= last; ++cpu) {
      CPU_SET(static_cast<size_t>(cpu), &cpus);
    }
    if (*text == '\0') {
      return true;
    }
    if (*text++ != ',') {
      return false;
    }
  }
}

// Whether all these CPUs are on line, so that only a cpuset can exclude one; false where the kernel does not list them.
bool all_on_line(const cpu_set_t& cpus) {
  std::ifstream file("/sys/devices/system/cpu/online");
  std::string list;
  cpu_set_t on_line, both;
  if (!std::getline(file, list) || !parse_cpu_list(list, on_line)) {
    return false;
  }
  CPU_AND(&both, &cpus, &on_line);
  return CPU_EQUAL(&both, &cpus);
}

}  // namespace

MaybeFailure pin_to_cpus(const std::string& list) {
  cpu_set_t wanted;
  if (!parse_cpu_list(list, wanted)) {
    return Failure{ExitCode::kUsage, "option --cpus takes a list such as 0-3,5, not '" + list + "'"};
  }
  if (sched_setaffinity(0, sizeof wanted, &wanted) != 0) {
    const bool excluded = errno == EINVAL && all_on_line(wanted);
    const std::string why = excluded ? "the cpuset excludes them; it allows " + cpus_allowed() : std::strerror(errno);
    return refusal("cannot run on CPUs " + list + ": " + why);
  }
  // The kernel drops CPUs that are off line, or not in the cpuset, without an error. What a cpuset leaves is measured,
  // and the report shows it.
  cpu_set_t granted;
  const bool known = sched_getaffinity(0, sizeof granted, &granted) == 0;
  if (!known || (!CPU_EQUAL(&wanted, &granted) && !all_on_line(wanted))) {
    return refusal("cannot run on all of the CPUs " + list + ", only on " + cpus_allowed());
  }
  return std::nullopt;
}

}  // namespace runner
