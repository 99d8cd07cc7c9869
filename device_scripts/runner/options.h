// The command line.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "backend.h"
#include "failure.h"

namespace runner {

struct Options {
  std::string model;
  std::string report;
  int threads = 1;
  std::string method = "forward";
  std::string cpus;  // A list such as `0-3,5`; empty for all CPUs.

  // Measuring one input, again and again.
  std::string input;    // The elements of all inputs, one tensor after the other.
  std::string outputs;  // Where those of all outputs go; empty where the one float32 output goes into the report.
  size_t warmup_iterations = 0;
  size_t min_iterations = 1;
  double min_seconds = 0;
  double max_seconds = 0;
  size_t counted_iterations = 0;
  size_t period_ns = 0;  // Between the starts of two inferences; 0 for back to back.
  bool mark_counted = false;
  bool memory_detail = false;  // Distorts the times, as profiling does: each needs a separate pass.
  size_t profile_iterations = 0;
  bool cold = false;  // Load the model with nothing of it or of the libraries in memory.
  Backend backend;
  size_t sustain_seconds = 0;        // Back to back for so long, summarized each second, in place of the timed part.
  size_t slow_down_operations = 0;   // Of the canary's, after each inference; kBenchBuild only.
  size_t slow_down_from_second = 0;  // Of a sustained run; kBenchBuild only.

  // Or evaluating many inputs once each.
  std::string batch_input;
  std::string batch_output;
  // Present: the batch holds bytes, fed to the model as `byte * scale + offset`. Absent: float32.
  std::optional<float> batch_scale;
  float batch_offset = 0;

  bool is_batch() const { return !batch_input.empty(); }
};

// A bench build can be made slower, to test that the harness notices. Its reports carry another build type.
#ifdef RUNNER_BENCH
inline constexpr bool kBenchBuild = true;
#else
inline constexpr bool kBenchBuild = false;
#endif

// One inference in ten seconds.
inline constexpr size_t kLongestPeriodNs = 10'000'000'000;

// Four hours: a device that is not steady by then is watched in another way.
inline constexpr size_t kLongestSustainSeconds = 14'400;

// More samples than this are never kept: measuring then ends before its minimum time.
inline constexpr size_t kMaxSamples = size_t{1} << 17;

// executorch/runtime/backend/options.h kMaxOptionValueLength, with its final zero.
inline constexpr size_t kLongestPackedCachePath = 255;

MaybeFailure parse_options(int argc, char** argv, Options& options);

}  // namespace runner
