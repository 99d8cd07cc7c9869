// The JSON reports; harness/records/runner_reports.py RunnerReport documents the fields of the first one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backend.h"
#include "cold.h"
#include "failure.h"
#include "measurement.h"
#include "model.h"
#include "process.h"
#include "profile.h"
#include "scheduling.h"

namespace runner {

// The pass for memory: `reason` is why a figure is missing.
struct MemoryDetail {
  std::optional<Rollup> initialized;
  std::optional<Rollup> end;
  std::string reason;
};

struct Report {
  int64_t canary_ns = 0;
  int64_t load_ns = 0;
  int64_t init_ns = 0;
  std::optional<int64_t> init_instructions;  // Where a counter counts; under QEMU the plugin does.
  Times times;
  // Nothing where /proc/self/status has no such line.
  std::optional<int64_t> rss_start_bytes;
  std::optional<int64_t> rss_loaded_bytes;
  std::optional<int64_t> rss_initialized_bytes;
  std::optional<int64_t> rss_end_bytes;
  std::optional<int64_t> peak_rss_bytes;
  int threads_requested = 0;
  std::optional<int> threads_used;
  std::string cpus_allowed;
  Scheduling scheduling;
  Counts counts;
  std::optional<MemoryDetail> memory_detail;
  std::optional<Cold> cold;
  std::optional<PackedCache> packed_cache;
  std::optional<std::vector<ProfiledOperator>> profile;
  bool outputs_are_apart = false;  // In a file of their own, of any number and type; else the one is in the report.
};

// JSON has no NaN and no infinity, and no parity check could use them.
MaybeFailure check_output_finite(const Model& model);

// The elements of all outputs as they lie in memory, one tensor after the other.
MaybeFailure write_outputs(const std::string& path, const Model& model);

MaybeFailure write_report(const std::string& path, const Report& report, const Model& model);

MaybeFailure write_batch_report(const std::string& path, const Model& model, size_t tensors, int64_t elapsed_ns);

}  // namespace runner
