// The measuring itself: the first inference, the warm-up, the timed loop, the counted pass.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "counters.h"
#include "failure.h"
#include "model.h"
#include "options.h"
#include "sustain.h"

namespace runner {

struct Times {
  int64_t first_ns = 0;
  std::vector<int64_t> warmup_ns;
  std::vector<int64_t> latencies_ns;
  // When each of these began, since the first slot; nothing when they ran back to back.
  std::optional<std::vector<int64_t>> starts_ns;
  // In place of the timed latencies where a sustained run was asked for.
  std::optional<Sustained> sustained;
};

struct Counts {
  std::optional<std::vector<uint64_t>> instructions;
  std::optional<std::vector<uint64_t>> cycles;
  std::optional<std::vector<uint64_t>> cache_misses;
  std::optional<std::vector<uint64_t>> branch_misses;
  std::string unavailable;  // Why some are missing; empty when all are there.
};

// Reads exactly one tensor from `path` into the model's input and feeds it.
MaybeFailure read_input(const std::string& path, Model& model);

MaybeFailure measure_times(const Options& options, Model& model, Times& times);

// A separate pass, because entering the kernel twice per inference would distort the times.
MaybeFailure count_events(const Options& options, Model& model, Counters& counters, Counts& counts);

}  // namespace runner
