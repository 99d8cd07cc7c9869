// Inferences back to back for minutes, summarized each second: as much memory for an hour as for a minute.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace runner {

// What began in one second. A second in which none began, because the one before still ran, has 0 inferences and no
// figures.
struct Second {
  int64_t inferences = 0;
  int64_t median_ns = 0;
  int64_t p90_ns = 0;
  int64_t max_ns = 0;
};

struct Sustained {
  // CLOCK_BOOTTIME, as /proc/uptime has it, when the first second began: what is sampled beside is placed by it.
  int64_t began_uptime_ns = 0;
  std::vector<Second> seconds;
};

// Collects latencies in the order of time. All memory is taken at the start.
class SecondSummary {
 public:
  // Of more inferences in a second, every second one is kept for the percentiles, then every fourth, and so on.
  static constexpr size_t kMostKept = size_t{1} << 16;

  explicit SecondSummary(size_t seconds, size_t most_kept = kMostKept);

  // An inference that began so long after the start of the first second; those after the last second are left out.
  void add(int64_t began_ns, int64_t latency_ns);

  // The summaries of all seconds; nothing is added afterwards.
  std::vector<Second> finish();

 private:
  void keep(int64_t latency_ns);
  void close_second();

  size_t planned_;
  size_t most_kept_;
  std::vector<Second> seconds_;
  Second open_;
  std::vector<int64_t> kept_;
  int64_t stride_ = 1;
};

}  // namespace runner
