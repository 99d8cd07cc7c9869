#include "measurement.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "clock.h"
#include "files.h"

namespace runner {
namespace {

Failure execution_failed() {
  const std::string said = runtime_error();
  return {ExitCode::kExecutionFailed, "the inference failed" + (said.empty() ? "" : ": " + said)};
}

// One inference in nanoseconds; -1 when it failed.
int64_t time_inference(Model& model) {
  if (model.input_is_overwritten() && model.feed_input()) {
    return -1;
  }
  const int64_t begin = now_ns();
  const bool worked = model.execute();
  const int64_t end = now_ns();
  return worked ? end - begin : -1;
}

}  // namespace

MaybeFailure read_input(const std::string& path, Model& model) {
  const int64_t size = file_size(path);
  FILE* file = size < 0 ? nullptr : fopen(path.c_str(), "rb");
  if (file == nullptr) {
    return Failure{ExitCode::kBadInput, "cannot read input " + path + ": " + std::strerror(errno)};
  }
  const bool fits = static_cast<size_t>(size) == model.input_bytes();
  const bool complete = fits && fread(model.input(), 1, model.input_bytes(), file) == model.input_bytes();
  fclose(file);
  if (!complete) {
    return Failure{ExitCode::kBadInput, "input " + path + " holds " + std::to_string(size) + " bytes, the model wants " +
                                            std::to_string(model.input_bytes())};
  }
  return model.feed_input();
}

MaybeFailure measure_times(const Options& options, Model& model, Times& times) {
  times.warmup_ns.reserve(options.warmup_iterations);
  // The most there can be, so that nothing is allocated while measuring. Pages that no sample reaches never become
  // resident, so this does not show in the memory figures.
  times.latencies_ns.reserve(kMaxSamples);

  times.first_ns = time_inference(model);
  if (times.first_ns < 0) return execution_failed();
  for (size_t i = 0; i < options.warmup_iterations; ++i) {
    const int64_t latency = time_inference(model);
    if (latency < 0) return execution_failed();
    times.warmup_ns.push_back(latency);
  }

  const auto min_ns = static_cast<int64_t>(options.min_seconds * 1e9);
  const auto max_ns = static_cast<int64_t>(options.max_seconds * 1e9);
  const int64_t begin = now_ns();
  for (;;) {
    const int64_t latency = time_inference(model);
    if (latency < 0) return execution_failed();
    times.latencies_ns.push_back(latency);
    const int64_t elapsed = now_ns() - begin;
    const bool enough = times.latencies_ns.size() >= options.min_iterations && elapsed >= min_ns;
    if (enough || elapsed >= max_ns || times.latencies_ns.size() == kMaxSamples) {
      return std::nullopt;
    }
  }
}

MaybeFailure count_instructions(const Options& options, Model& model, Counter& instructions, Counter& cycles,
                                Counts& counts) {
  instructions.enable();
  cycles.enable();
  const bool counted = instructions.available() || cycles.available() || options.mark_counted;
  const size_t iterations = counted ? options.counted_iterations : 0;
  std::vector<uint64_t> counted_instructions, counted_cycles;
  counted_instructions.reserve(iterations);
  counted_cycles.reserve(iterations);
  for (size_t i = 0; i < iterations; ++i) {
    if (model.input_is_overwritten()) {
      if (auto failure = model.feed_input()) return failure;
    }
    if (options.mark_counted) mark_counted_begin();
    const uint64_t cycles_before = cycles.read();
    const uint64_t instructions_before = instructions.read();
    const bool worked = model.execute();
    counted_instructions.push_back(instructions.read() - instructions_before);
    counted_cycles.push_back(cycles.read() - cycles_before);
    if (options.mark_counted) mark_counted_end();
    if (!worked) return execution_failed();
  }
  if (instructions.available()) counts.instructions = std::move(counted_instructions);
  if (cycles.available()) counts.cycles = std::move(counted_cycles);
  for (const Counter* counter : {&instructions, &cycles}) {
    if (!counter->available()) {
      counts.unavailable += (counts.unavailable.empty() ? "" : "; ") + std::string(counter->name()) + ": " +
                            counter->reason();
    }
  }
  return std::nullopt;
}

}  // namespace runner
