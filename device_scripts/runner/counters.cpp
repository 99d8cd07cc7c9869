#include "counters.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace runner {
namespace {

// No kernel knows this prctl option ("HRNS"), so it answers EINVAL and nothing happens.
constexpr int kMarker = 0x48524e53;

}  // namespace

Counter::~Counter() {
  if (file_ >= 0) {
    close(file_);
  }
}

void Counter::open() {
  perf_event_attr attributes = {};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.config = event_;
  attributes.disabled = 1;
  attributes.inherit = 1;  // Forbids group reads, hence one file for each event.
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  file_ = static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
  reason_ = file_ < 0 ? std::string("perf_event_open: ") + std::strerror(errno) : "";
}

void Counter::enable() {
  if (available() && ioctl(file_, PERF_EVENT_IOC_ENABLE, 0) != 0) {
    reason_ = std::string("cannot enable the counter: ") + std::strerror(errno);
  }
}

void Counter::disable() {
  if (file_ >= 0) {
    ioctl(file_, PERF_EVENT_IOC_DISABLE, 0);
  }
}

uint64_t Counter::read() {
  struct {
    uint64_t value, time_enabled, time_running;
  } counted = {};
  if (!available()) {
    return 0;
  }
  if (::read(file_, &counted, sizeof counted) != ssize_t{sizeof counted}) {
    reason_ = std::string("cannot read the counter: ") + std::strerror(errno);
  } else if (counted.time_running != counted.time_enabled) {
    reason_ = "the counter was shared with others (multiplexed)";  // Scaling it up would be a guess.
  }
  return counted.value;
}

Counters::Counters()
    : instructions("instructions", PERF_COUNT_HW_INSTRUCTIONS),
      cycles("cycles", PERF_COUNT_HW_CPU_CYCLES),
      cache_misses("cache misses", PERF_COUNT_HW_CACHE_MISSES),
      branch_misses("branch misses", PERF_COUNT_HW_BRANCH_MISSES) {}

void Counters::open() {
  for (Counter* counter : {&instructions, &cycles, &cache_misses, &branch_misses}) {
    counter->open();
  }
}

void mark_counted_begin() {
  prctl(kMarker, 1, 0, 0, 0);
}

void mark_counted_end() {
  prctl(kMarker, 2, 0, 0, 0);
}

}  // namespace runner
